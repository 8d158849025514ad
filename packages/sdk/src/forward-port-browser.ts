import type { ForwardedPort } from './forwarded-port.ts'

/** Browsers can't listen. */
export async function forwardPort(): Promise<ForwardedPort> {
  throw new TypeError('A browser cannot listen on a port. Use ports.url instead.')
}
