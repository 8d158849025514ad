import { styleText } from 'node:util'
import type { Environment } from '../world.ts'

/** Ways in which text stands out. */
type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Styles a text, or returns it unchanged where colors are off. */
export type Paint = (style: Style, text: string) => string

/** Returns a painter that styles text if `enabled`. */
export function painterFor(enabled: boolean): Paint {
  // Left to itself, styleText would judge the process's own stdout and environment.
  return enabled ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text
}

/** Whether to use colors: on terminals, unless NO_COLOR is set or TERM is `dumb`. */
export function wantsColors(stream: { readonly isTTY?: boolean }, environment: Environment): boolean {
  if (environment['NO_COLOR']) return false
  return stream.isTTY === true && environment['TERM'] !== 'dumb'
}
