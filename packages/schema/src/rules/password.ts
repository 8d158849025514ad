/** Bounds of a password in bytes of UTF-8 (Coder v2 API, v0.13.4). */
const MIN_BYTES = 8
const MAX_BYTES = 64

/** A text cannot be a password. The message is the `detail` of the validation that a client sees. */
export class PasswordError extends Error {
  override readonly name = 'PasswordError'
}

/**
 * Checks the length of a new password: 8 to 64 bytes of UTF-8.
 *
 * @throws PasswordError
 */
export function checkPassword(password: string): void {
  const bytes = new TextEncoder().encode(password).length
  if (bytes < MIN_BYTES) throw new PasswordError(`Password must be at least ${MIN_BYTES} characters.`)
  if (bytes > MAX_BYTES) throw new PasswordError(`Password must be no more than ${MAX_BYTES} characters.`)
}
