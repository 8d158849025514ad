import { verifies } from '@berth/requirements'
import { Failure } from '@berth/schema'
import { expect, test } from 'vitest'
import { readClaims } from './oidc-claims.ts'

const WHO = { iss: 'https://accounts.example.com', sub: '42' }
const OPEN = { ignoreEmailVerified: false, emailDomains: [] }

test('issuer and subject identify a user', () => {
  verifies('oauth:oidc')
  expect(readClaims({ ...WHO, email: 'ada@example.com', picture: 'https://example.com/ada.png' }, OPEN)).toEqual({
    linkedId: 'https://accounts.example.com||42',
    username: 'ada@example.com',
    email: 'ada@example.com',
    avatarUrl: 'https://example.com/ada.png',
  })
})

test.each([
  [
    { email: 'ada@example.com', email_verified: false },
    { ...OPEN, ignoreEmailVerified: true },
  ],
  [{ email: 'ada@example.com', email_verified: 'no' }, OPEN],
  [{ email: 'ada@EXAMPLE.com' }, { ...OPEN, emailDomains: ['other.org', 'Example.COM'] }],
])('the claims %j are taken with %j', (claims, settings) => {
  verifies('oauth:oidc')
  expect(readClaims({ ...WHO, ...claims }, settings).email).toBe(claims.email)
})

test.each([
  [{ email: 'ada@example.com', email_verified: false }, OPEN, 403],
  [{ email: 'ada@example.com' }, { ...OPEN, emailDomains: ['other.org'] }, 403],
  [{ email: ['ada@example.com'] }, OPEN, 400],
  [{ email: null }, OPEN, 400],
  [{ email: '' }, OPEN, 400],
  [{ preferred_username: 7 }, OPEN, 400],
  [{ email: 'ada@example.com', sub: '' }, OPEN, 400],
])('the claims %j are refused with %j: %i', (claims, settings, status) => {
  verifies('oauth:oidc')
  expect(refusalOf(() => readClaims({ ...WHO, ...claims }, settings))).toBe(status)
})

function refusalOf(read: () => unknown): number | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (!Failure.is(error)) throw error
    return error.status
  }
}
