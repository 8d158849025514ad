import { Failure, type Validation } from '@berth/schema'
import { hasInvisibleCharacters, isUsername } from '@berth/schema/rules'

/**
 * Checks what names a new user, or names a user anew, beyond the form that requests are checked
 * for. Existing users keep what they have. Throws `validation_failed`.
 */
export function requireNewIdentity({ username, email }: { readonly username?: string; readonly email?: string }): void {
  const validations: Validation[] = []
  if (email !== undefined && hasInvisibleCharacters(email))
    validations.push({
      field: 'email',
      detail: `${JSON.stringify(email)} contains invisible characters. Type the address instead of pasting it.`,
    })
  if (username !== undefined && !isUsername(username))
    validations.push({
      field: 'username',
      detail: `${JSON.stringify(username)} is reserved. Choose a username that is neither "me", nor a number, nor an ID.`,
    })
  if (validations.length > 0) throw new Failure('validation_failed', { validations })
}
