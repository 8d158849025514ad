import { createHash, randomInt, timingSafeEqual } from 'node:crypto'
import { Failure } from '@berth/schema'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const IN_ALPHABET = /^[0-9A-Za-z]+$/
const ID_LENGTH = 10
const SECRET_LENGTH = 22

/** A session key: `<id>-<secret>`. Only the hash of the secret is stored (Coder v2 API, v0.13.4). */
export interface ApiKey {
  readonly id: string
  readonly hashed_secret: Buffer
  /** What the client keeps. */
  readonly token: string
}

/** Makes a new key from cryptographically strong randomness. */
export function newApiKey(): ApiKey {
  const id = randomText(ID_LENGTH)
  const secret = randomText(SECRET_LENGTH)
  return { id, hashed_secret: hashSecret(secret), token: `${id}-${secret}` }
}

/** Takes a token apart. Throws `signed_out` with the reason when it has another form. */
export function readToken(token: string): { readonly id: string; readonly secret: string } {
  const parts = token.split('-')
  const [id = '', secret = ''] = parts
  if (parts.length !== 2) throw malformed(`incorrect amount of API key parts, expected 2 got ${parts.length}`)
  if (id.length !== ID_LENGTH) throw malformed(`invalid API key ID length, expected ${ID_LENGTH} got ${id.length}`)
  if (secret.length !== SECRET_LENGTH) throw malformed(`invalid API key secret length, expected ${SECRET_LENGTH} got ${secret.length}`)
  // No key has other characters, and some of them the database does not even compare.
  if (!IN_ALPHABET.test(id)) throw new Failure('signed_out', { detail: 'API key is invalid.' })
  return { id, secret }
}

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** In constant time. */
export function isSecret(secret: string, hashed: Buffer): boolean {
  const actual = hashSecret(secret)
  return actual.length === hashed.length && timingSafeEqual(actual, hashed)
}

function malformed(reason: string): Failure {
  return new Failure('signed_out', { detail: `Invalid API key format: ${reason}` })
}

function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
}
