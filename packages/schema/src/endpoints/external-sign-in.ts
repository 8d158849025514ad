import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { LongLine } from '../wire.ts'

export const ExternalSignInQuery = Type.Object({
  redirect: Type.Optional(LongLine({ description: 'Path on this deployment to open after sign-in. Default: `/`.' })),
  code: Type.Optional(LongLine({ description: 'Authorization code from the provider. Absent: start the sign-in.' })),
  state: Type.Optional(LongLine({ description: 'State from the provider. Must match the cookie `oauth_state`.' })),
  iss: Type.Optional(LongLine({ description: 'Issuer that the provider names.' })),
  error: Type.Optional(LongLine({ description: 'Error code from the provider.' })),
  error_description: Type.Optional(LongLine({ description: 'Error text from the provider.' })),
})
export type ExternalSignInQuery = Static<typeof ExternalSignInQuery>

const failures = [
  'invalid_query',
  'invalid_external_sign_in',
  'external_sign_in_refused',
  'user_not_active',
  'external_sign_in_forbidden',
  'incorrect_login_type',
  'user_exists',
  'external_sign_in_unavailable',
  'external_sign_in_unverified',
  'external_sign_in_failed',
] as const

export const externalSignIn = {
  github: endpoint({
    method: 'GET',
    path: '/users/oauth2/github/callback',
    summary: 'Sign in with GitHub.',
    description: 'Redirects the browser to GitHub and, when it returns, sets the session cookie.',
    access: 'anyone',
    query: ExternalSignInQuery,
    status: 307,
    failures,
  }),
  oidc: endpoint({
    method: 'GET',
    path: '/users/oidc/callback',
    summary: 'Sign in with OpenID Connect.',
    description: 'Redirects the browser to the provider and, when it returns, sets the session cookie.',
    access: 'anyone',
    query: ExternalSignInQuery,
    status: 307,
    failures,
  }),
}
