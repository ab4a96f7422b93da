import { Body, Controller, Get, HttpCode, Module, Post, Req } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import sessions, { generateSecret } from 'cookie-sessions'
import type { Request } from 'express'
import 'reflect-metadata'

declare module 'cookie-sessions' {
  interface SessionData {
    user: string
    views: number
  }
}

@Controller()
class Visits {
  @Get('me')
  me(@Req() req: Request): { user: string | null; views: number } {
    const views = (req.session.views ?? 0) + 1
    if (req.session.user !== undefined) req.session.views = views
    return { user: req.session.user ?? null, views: req.session.views ?? 0 }
  }

  @Post('login')
  @HttpCode(200)
  login(@Req() req: Request, @Body('user') user: string): { user: string } {
    req.session.regenerate()
    req.session.user = user
    return { user }
  }

  @Post('logout')
  @HttpCode(200)
  logout(@Req() req: Request): { user: null } {
    req.session.destroy()
    return { user: null }
  }
}

@Module({ controllers: [Visits] })
class App {}

async function main(): Promise<void> {
  const app = await NestFactory.create(App, { logger: ['error', 'warn'] })
  app.use(sessions({ secret: generateSecret() }))
  await app.listen(0, '127.0.0.1')
  console.log((app.getHttpServer().address() as { port: number }).port)
}

void main()
