/** The minimum length of a password, in bytes of UTF-8 (Coder v2 API, v0.13.4). */
export const minPasswordBytes = 8
/** The maximum length of a password, in bytes of UTF-8 (Coder v2 API, v0.13.4). */
export const maxPasswordBytes = 64

/**
 * A password is too short or too long. The message is the `detail` of the validation that clients
 * see.
 */
export class PasswordError extends Error {
  override readonly name = 'PasswordError'
}

/**
 * Checks the length of a new password.
 *
 * @throws PasswordError below {@link minPasswordBytes} or above {@link maxPasswordBytes}.
 */
export function checkPassword(password: string): void {
  const bytes = new TextEncoder().encode(password).length
  if (bytes < minPasswordBytes) throw new PasswordError(`Password must be at least ${minPasswordBytes} characters.`)
  if (bytes > maxPasswordBytes) throw new PasswordError(`Password must be no more than ${maxPasswordBytes} characters.`)
}
