import { createHash, randomInt, timingSafeEqual } from 'node:crypto'
import { Failure } from '@berth/schema'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const IN_ALPHABET = /^[0-9A-Za-z]+$/
const ID_LENGTH = 10
const SECRET_LENGTH = 22

/**
 * A session key of the form `<id>-<secret>`. Only the secret's hash is stored (Coder v2 API,
 * v0.13.4).
 */
export interface ApiKey {
  readonly id: string
  readonly hashed_secret: Buffer
  /** The whole key, which only the client keeps. */
  readonly token: string
}

/** Creates a random key. */
export function newApiKey(): ApiKey {
  const id = randomText(ID_LENGTH)
  const secret = randomText(SECRET_LENGTH)
  return { id, hashed_secret: hashSecret(secret), token: `${id}-${secret}` }
}

/**
 * Splits a token into its parts. Throws `signed_out` with the reason when the token is malformed.
 */
export function readToken(token: string): { readonly id: string; readonly secret: string } {
  const parts = token.split('-')
  const [id = '', secret = ''] = parts
  if (parts.length !== 2) throw malformed(`incorrect amount of API key parts, expected 2 got ${parts.length}`)
  if (id.length !== ID_LENGTH) throw malformed(`invalid API key ID length, expected ${ID_LENGTH} got ${id.length}`)
  if (secret.length !== SECRET_LENGTH) throw malformed(`invalid API key secret length, expected ${SECRET_LENGTH} got ${secret.length}`)
  // No key has other characters, and PostgreSQL can't compare some of them.
  if (!IN_ALPHABET.test(id)) throw new Failure('signed_out', { detail: 'API key is invalid.' })
  return { id, secret }
}

export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** Whether a secret has the given hash, compared in constant time. */
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
