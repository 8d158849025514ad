import { FlattenedEncrypt, decodeProtectedHeader, errors, flattenedDecrypt, type FlattenedJWE } from 'jose'
import { timestamp } from '../../clock.ts'
import type { ApiKey } from './api-key.ts'
import { APP_KEY_HANDOVER_MS } from './lifetimes.ts'
import type { AppKeyRow } from './store.ts'

const KEY_ID = /^[0-9A-Za-z]{1,32}$/
const ALGORITHMS = { keyManagementAlgorithms: ['A256GCMKW'], contentEncryptionAlgorithms: ['A256GCM'] }

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

/** A key that arrived at the host of an app. */
interface ArrivedKey extends Pick<AppKeyRow, 'host'> {
  readonly id: string
  readonly token: string
}

/**
 * Decrypts what {@link sealAppKey} returned. Returns undefined for anything else, and for a key
 * that took too long.
 */
export async function unsealAppKey(
  sealed: string,
  nowMs: number,
  find: (id: string) => Promise<AppKeyRow | undefined>,
): Promise<ArrivedKey | undefined> {
  try {
    // The library checks the parts.
    const jwe = JSON.parse(Buffer.from(sealed, 'base64url').toString('utf8')) as FlattenedJWE
    const { kid: id } = decodeProtectedHeader(jwe)
    const row = typeof id === 'string' && KEY_ID.test(id) ? await find(id) : undefined
    if (typeof id !== 'string' || row === undefined) return undefined
    const { plaintext } = await flattenedDecrypt(jwe, row.hashed_secret, ALGORITHMS)
    // The decryption has authenticated it.
    const { api_key, expires_at } = JSON.parse(new TextDecoder().decode(plaintext)) as { api_key: string; expires_at: string }
    return Date.parse(expires_at) < nowMs ? undefined : { id, token: api_key, host: row.host }
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || error instanceof errors.JOSEError) return undefined
    throw error
  }
}
