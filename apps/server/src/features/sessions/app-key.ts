import { FlattenedEncrypt } from 'jose'
import { timestamp } from '../../clock.ts'
import type { ApiKey } from './api-key.ts'

const LIFETIME_MS = 60_000

/**
 * Encrypts a key for the way over the address bar of a browser, to the host of an app. Whoever receives it finds by `kid` the stored hash of the secret, which
 * is what it is encrypted with, and takes it within a minute (Coder v2 API, v0.13.4).
 */
export async function sealAppKey({ id, hashed_secret, token }: ApiKey, nowMs: number): Promise<string> {
  const payload = JSON.stringify({ api_key: token, expires_at: timestamp(nowMs + LIFETIME_MS) })
  const sealed = await new FlattenedEncrypt(new TextEncoder().encode(payload))
    .setProtectedHeader({ alg: 'A256GCMKW', enc: 'A256GCM', zip: 'DEF', kid: id })
    .encrypt(hashed_secret)
  return Buffer.from(JSON.stringify(sealed)).toString('base64url')
}
