/** One small thing of a larger entry. */
import { generateSecret } from 'cookie-sessions/codec'

export function app() {
  return { secret: generateSecret() }
}
