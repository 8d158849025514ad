import { Failure } from '@berth/schema'
import { checkPassword, PasswordError } from '@berth/schema/rules'

/** Checks the length of a new password. Throws `invalid_password`. */
export function requirePassword(password: string): void {
  try {
    checkPassword(password)
  } catch (error) {
    if (!(error instanceof PasswordError)) throw error
    throw new Failure('invalid_password', { validations: [{ field: 'password', detail: error.message }], cause: error })
  }
}
