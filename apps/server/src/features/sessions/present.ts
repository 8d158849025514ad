import type { ApiKey } from '@berth/schema'
import type { ApiKeyRow } from './store.ts'

/** Returns a session or token as the wire shows it, without the hash and the address. */
export function presentKey({ hashed_secret: _hashed_secret, ip_address: _ip_address, ...shown }: ApiKeyRow): ApiKey {
  return shown
}
