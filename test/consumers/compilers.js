/** TypeScript: each compiler with each resolver that it has, our declarations checked as well; and presets of frameworks. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { inModules, node } from './project.js'
import { visitServer } from './servers.js'

/** @import { Context } from './project.js' */
/** @import { Consumer } from './consumers.js' */

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  target: 'es2022',
  lib: ['es2022'],
  types: ['node'],
}

/**
 * By name, the options, and by source the file that is compiled. What one resolver makes of .ts, another does of .mts and .cts.
 * @type {Record<string, { options: object, files: Record<string, string[]> }>}
 */
const RESOLVERS = {
  'commonjs, node10': {
    options: { module: 'commonjs', moduleResolution: 'node', esModuleInterop: true },
    files: { 'imports.ts': ['a.ts'], 'requires.ts': ['b.ts'] },
  },
  'commonjs, node10, no interop': {
    options: { module: 'commonjs', moduleResolution: 'node', esModuleInterop: false },
    files: { 'imports.ts': ['a.ts'], 'requires.ts': ['b.ts'] },
  },
  node16: {
    options: { module: 'node16', moduleResolution: 'node16' },
    files: { 'imports.ts': ['a.mts', 'b.cts'], 'requires.ts': ['c.cts'] },
  },
  nodenext: {
    options: { module: 'nodenext', moduleResolution: 'nodenext' },
    files: { 'imports.ts': ['a.mts', 'b.cts'], 'requires.ts': ['c.cts'] },
  },
  bundler: {
    options: { module: 'esnext', moduleResolution: 'bundler' },
    files: { 'imports.ts': ['a.mts'] },
  },
}

/** @param {string} version @param {string[]} resolvers @param {string} nodeTypes @returns {Consumer} */
function typescript(version, resolvers, nodeTypes) {
  const name = `typescript${version}`
  return {
    name,
    packages: [`typescript=${name}`, `@types/node=${nodeTypes}`, 'undici-types'],
    async run(context) {
      const failures = []
      for (const resolver of resolvers) {
        const { options, files } = RESOLVERS[resolver]
        const folder = resolver.replace(/\W+/g, '-')
        const sources = Object.entries(files).flatMap(([source, names]) => names.map((file) => [source, file]))
        for (const [source, file] of sources) context.copy(`typescript/${source}`, `${folder}/${file}`)
        context.write(`${folder}/tsconfig.json`, {
          compilerOptions: { ...STRICT, ...options, outDir: 'out', rootDir: '.' },
          files: sources.map(([, file]) => file),
        })
        try {
          await tsc(context, '-p', folder)
          for (const [, file] of sources) {
            const printed = await node(context, `${folder}/out/${file.replace(/ts$/, 'js')}`)
            assert.equal(printed, 'works\n', `${file} prints ${printed}`)
          }
        } catch (error) {
          failures.push(`${resolver}: ${/** @type {Error} */ (error).message}`)
        }
      }
      if (failures.length > 0) throw new Error(failures.join('\n'))
    },
  }
}

/** @param {Context} context @param {string[]} args */
const tsc = (context, ...args) => node(context, 'node_modules/typescript/bin/tsc', ...args)

/** Another module's types in the same project. @param {string} other @param {string} version @returns {Consumer} */
function beside(other, version) {
  const express = [
    'express',
    'express-serve-static-core',
    'body-parser',
    'connect',
    'http-errors',
    'qs',
    'range-parser',
  ]
  const types = [...express, 'send', 'serve-static', 'keygrip', other].map((name) => `@types/${name}`)
  return {
    name: `${other}-types-typescript${version}`,
    packages: [`typescript=typescript${version}`, '@types/node', 'undici-types', ...types],
    async run(context) {
      context.write('app.ts', `import type {} from '${other}'\n`)
      context.copy('typescript/beside.ts', 'beside.ts')
      const options = { ...STRICT, module: 'node16', moduleResolution: 'node16', noEmit: true }
      context.write('tsconfig.json', { compilerOptions: options, files: ['app.ts', 'beside.ts'] })
      await tsc(context)
    },
  }
}

/** The preset that create-next-app writes. @type {Consumer} */
const nextPreset = {
  name: 'next-tsconfig',
  packages: ['typescript=typescript5.9', '@types/node', 'undici-types', 'create-next-app'],
  async run(context) {
    const preset = JSON.parse(readFileSync(inModules('create-next-app/dist/templates/app/ts/tsconfig.json'), 'utf8'))
    preset.compilerOptions.skipLibCheck = false
    context.write('tsconfig.json', preset)
    context.copy('typescript/imports.ts', 'imports.ts')
    await tsc(context)
  },
}

/** The preset that Nest's own generator writes, and an app under it, which runs. @type {Consumer} */
const nest = {
  name: 'nest',
  packages: [
    ...['common', 'core', 'platform-express', 'schematics'].map((name) => `@nestjs/${name}`),
    ...['reflect-metadata', 'rxjs', 'typescript=typescript5.9', '@types/node', 'undici-types', '@types/express'],
    ...['express-serve-static-core', 'body-parser', 'connect', 'http-errors', 'qs', 'range-parser', 'send'].map(
      (name) => `@types/${name}`,
    ),
    '@types/serve-static',
  ],
  async run(context) {
    const template = readFileSync(inModules('@nestjs/schematics/dist/lib/application/files/ts/tsconfig.json'), 'utf8')
    context.write('tsconfig.json', template.replaceAll('<%= strict %>', 'true'))
    context.copy('nest', 'src')
    await tsc(context)
    await visitServer(context, 'dist/main.js')
  },
}

const ALL = Object.keys(RESOLVERS)

export const compilers = [
  typescript('5.0', ALL, 'node-types-20.8'),
  typescript('5.5', ALL, '@types/node'),
  typescript('5.9', ALL, '@types/node'),
  typescript('7', ['node16', 'nodenext', 'bundler'], '@types/node'),
  beside('express-session', '5.9'),
  beside('express-session', '7'),
  beside('cookie-session', '5.9'),
  beside('cookie-session', '7'),
  nextPreset,
  nest,
]
