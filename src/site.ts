/** What all requests of one sessions() call share: its settings, codec, transport and platform, and what features plug in. */
import { createTextCodec, type TextCodec } from './codec/codec.ts'
import { isProduction } from './codec/warn.ts'
import type { Feature, Platform, SessionListener } from './contracts.ts'
import type { CookieTransport } from './cookie.ts'
import type { SessionSettings } from './options.ts'

export interface Site<Req, Res> {
  readonly settings: SessionSettings<Req>
  readonly codec: TextCodec
  readonly transport: CookieTransport
  readonly platform: Platform<Req, Res>
  readonly events: Events<Req>
  /** Each waits for what one feature needs before the app runs. */
  readonly gates: readonly NonNullable<Feature<Req>['gate']>[]
  /** Whether checks that help only a developer are left out. */
  readonly isProduction: boolean
}

type Listen<Req, Event extends keyof SessionListener<Req>> = NonNullable<SessionListener<Req>[Event]>

/** Who hears of each event. */
export type Events<Req> = {
  readonly [Event in keyof SessionListener<Req>]-?: {
    readonly listen: Listen<Req, Event>
    readonly mayAnswer: boolean
  }[]
}

export function createSite<Req, Res>(
  settings: SessionSettings<Req>,
  platform: Platform<Req, Res>,
  ...features: readonly Feature<Req>[]
): Site<Req, Res> {
  const all = [...settings.features, ...features]
  const events: Events<Req> = { refused: [], failed: [], begun: [], ended: [], sealed: [] }
  for (const feature of all) {
    const { listener, mayAnswer }: Feature<Req> = { listener: {}, mayAnswer: false, ...feature }
    for (const [event, listen] of Object.entries(listener ?? {})) {
      events[event as keyof Events<Req>].push({ listen, mayAnswer } as never)
    }
  }
  return {
    settings,
    codec: createTextCodec(settings.codec),
    transport: settings.transport,
    platform,
    events,
    gates: all.flatMap((feature) => (Object.hasOwn(feature, 'gate') ? (feature.gate ?? []) : [])),
    isProduction: isProduction(),
  }
}

/** Waits for all gates before the app runs; undefined where there is nothing to wait for. */
export function pass<Req>(
  { gates }: { readonly gates: Site<Req, never>['gates'] },
  request: Req,
): Promise<unknown> | undefined {
  if (gates.length === 0) return undefined
  const waits = gates.flatMap((gate) => gate(request) ?? [])
  return waits.length === 0 ? undefined : Promise.all(waits)
}

/**
 * Calls the listeners of an event. They may be the app's, and must not be able to crash the process by throwing or rejecting, because
 * clients can trigger them at will: `failed` is called with what they throw.
 */
export function emit<Req, Res, Event extends keyof Events<Req>>(
  site: Site<Req, Res>,
  event: Event,
  about: Parameters<Listen<Req, Event>>[0],
  request: Req,
  response: Res,
  failed: (error: unknown) => void,
): void {
  for (const { listen, mayAnswer } of site.events[event]) {
    try {
      const result = (listen as (about: unknown, request: Req) => unknown)(about, request)
      if (typeof (result as PromiseLike<unknown> | null | undefined)?.then === 'function') {
        Promise.resolve(result).catch(failed)
      }
    } catch (error) {
      failed(error)
    }
    if (mayAnswer) site.platform.onCallback(response)
  }
}
