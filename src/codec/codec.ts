/** createCodec(): options in; seal and open out. */
import { type CodecOptions, type CodecSettings, checkCodecOptions } from './options.ts'
import { type Codec, codecOf, createSealer, type Sealer } from './sealer.ts'
import { selectBackend } from './select.ts'

export type { Codec, Opened, Sealer as TextCodec } from './sealer.ts'

/** A codec for tokens outside of HTTP, or the codec inside of the middleware. TypeError on misuse; SessionError 'no-backend'. */
export function createCodec(options: CodecOptions): Codec {
  return codecOf(createTextCodec(checkCodecOptions(options)))
}

export function createTextCodec(settings: CodecSettings): Sealer {
  return createSealer(settings, selectBackend(settings.backend))
}
