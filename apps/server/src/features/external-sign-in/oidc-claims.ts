import { Failure } from '@berth/schema'
import { isEmail } from '@berth/schema/rules'
import type { OidcSignIn } from '../../settings/sign-in-settings.ts'
import type { ExternalIdentity } from './provider.ts'

/**
 * Reads the identity that an ID token describes from its claims (Coder v2 API, v0.13.4).
 *
 * @throws Failure `invalid_external_sign_in` without a usable address, `external_sign_in_forbidden`
 * for an address that may not sign in.
 */
export function readClaims(
  claims: Readonly<Record<string, unknown>>,
  { ignoreEmailVerified, emailDomains }: Pick<OidcSignIn, 'ignoreEmailVerified' | 'emailDomains'>,
): Omit<ExternalIdentity, 'tokens'> {
  const { iss, sub, preferred_username, email_verified, picture } = claims
  if (typeof iss !== 'string' || typeof sub !== 'string' || sub === '')
    throw new Failure('invalid_external_sign_in', { message: 'The ID token lacks an issuer or a subject.' })
  const name = typeof preferred_username === 'string' ? preferred_username : ''
  const email = emailOf(claims['email'], name)
  if (email_verified === false && !ignoreEmailVerified)
    throw new Failure('external_sign_in_forbidden', {
      message: `Verify the ${JSON.stringify(email)} email address on your OIDC provider to authenticate!`,
    })
  const isOfDomain = emailDomains.length === 0 || emailDomains.some((domain) => email.toLowerCase().endsWith(domain.toLowerCase()))
  if (!isOfDomain)
    throw new Failure('external_sign_in_forbidden', {
      message: `Your email ${JSON.stringify(email)} is not in domains ${JSON.stringify(emailDomains)} !`,
    })
  return {
    linkedId: `${iss}||${sub}`,
    username: name === '' ? email : name,
    email,
    avatarUrl: typeof picture === 'string' ? picture : '',
  }
}

function emailOf(claim: unknown, name: string): string {
  if (claim === undefined) {
    if (isEmail(name)) return name
    throw new Failure('invalid_external_sign_in', { message: 'No email found in OIDC payload!' })
  }
  if (typeof claim !== 'string')
    throw new Failure('invalid_external_sign_in', { message: `Email in OIDC payload isn't a string. It is of type ${typeof claim}.` })
  if (!isEmail(claim))
    throw new Failure('invalid_external_sign_in', {
      message: `The email ${JSON.stringify(claim)} in the OIDC payload isn't a valid address.`,
    })
  return claim
}
