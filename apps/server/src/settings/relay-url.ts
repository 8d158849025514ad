import type { Config } from './config.ts'

/**
 * Returns where other replicas reach this one. Undefined: the settings don't tell by which of the
 * machine's addresses.
 */
export function relayUrlOf({ relayUrl, tls, http }: Pick<Config, 'relayUrl' | 'tls' | 'http'>, listeningAt: string): string | undefined {
  if (relayUrl !== undefined) return relayUrl
  const host = (tls ?? http)?.host
  return host === undefined || host === '0.0.0.0' || host === '::' ? undefined : listeningAt
}
