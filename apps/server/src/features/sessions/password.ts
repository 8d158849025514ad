import { pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const ITERATIONS = 65_535
const KEY_BYTES = 64
const SALT_BYTES = 16
const SCHEME = 'pbkdf2-sha256'

/**
 * Hashes a password in the format of the Coder v2 API (v0.13.4):
 * `$pbkdf2-sha256$65535$<salt>$<hash>`, unpadded base64. Runs off the main thread.
 */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const key = await promisify(pbkdf2)(password, salt, ITERATIONS, KEY_BYTES, 'sha256')
  return `$${SCHEME}$${ITERATIONS}$${unpadded(salt)}$${unpadded(key)}`
}

/**
 * A hash that stands in for an absent one, so that an unknown user takes as long to check as a
 * wrong password.
 */
const NO_PASSWORD = `$${SCHEME}$${ITERATIONS}$${unpadded(Buffer.alloc(SALT_BYTES))}$${unpadded(Buffer.alloc(KEY_BYTES))}`

/**
 * Whether a password matches a stored hash, compared in constant time. An empty hash (unknown user,
 * or a user of a sign-in provider) matches no password and takes as long.
 *
 * @throws Error when the stored hash has another format.
 */
export async function isPassword(password: string, storedHash: string): Promise<boolean> {
  const [, scheme, iterations, salt, hash] = (storedHash === '' ? NO_PASSWORD : storedHash).split('$')
  if (scheme !== SCHEME || !/^\d+$/.test(iterations ?? '') || salt === undefined || hash === undefined)
    throw new Error('the stored password hash has an unknown format')
  const expected = Buffer.from(hash, 'base64')
  const key = await promisify(pbkdf2)(password, Buffer.from(salt, 'base64'), Number(iterations), expected.length, 'sha256')
  return timingSafeEqual(key, expected) && storedHash !== ''
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
