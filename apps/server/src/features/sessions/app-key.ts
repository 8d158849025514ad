import { FlattenedEncrypt } from 'jose'
import { timestamp } from '../../clock.ts'
import type { ApiKey } from './api-key.ts'
import { APP_KEY_HANDOVER_MS } from './lifetimes.ts'

/**
 * Encrypts a key for its way through a browser's address bar to the host of an app. The recipient
 * finds the stored hash of the key's secret by `kid` and decrypts with it; the result expires after
 * {@link APP_KEY_HANDOVER_MS} (Coder v2 API, v0.13.4).
 */
export async function sealAppKey({ id, hashed_secret, token }: ApiKey, nowMs: number): Promise<string> {
  const payload = JSON.stringify({ api_key: token, expires_at: timestamp(nowMs + APP_KEY_HANDOVER_MS) })
  const sealed = await new FlattenedEncrypt(new TextEncoder().encode(payload))
    .setProtectedHeader({ alg: 'A256GCMKW', enc: 'A256GCM', zip: 'DEF', kid: id })
    .encrypt(hashed_secret)
  return Buffer.from(JSON.stringify(sealed)).toString('base64url')
}
