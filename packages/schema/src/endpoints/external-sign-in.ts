import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'

export const ExternalSignInQuery = Type.Object({
  redirect: Type.Optional(Type.String({ description: 'Path of this deployment to go to after signing in. Default: `/`.' })),
  code: Type.Optional(Type.String({ description: 'From the provider. Without it the way to the provider begins.' })),
  state: Type.Optional(Type.String({ description: 'From the provider; must be that of the cookie `oauth_state`.' })),
  iss: Type.Optional(Type.String({ description: 'From the provider: who it is.' })),
  error: Type.Optional(Type.String({ description: 'From the provider: why it refuses.' })),
  error_description: Type.Optional(Type.String({ description: 'From the provider: the same for people.' })),
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
    description: 'Leads a browser to GitHub and, when it comes back, sets the session cookie.',
    access: 'anyone',
    query: ExternalSignInQuery,
    status: 307,
    failures,
  }),
  oidc: endpoint({
    method: 'GET',
    path: '/users/oidc/callback',
    summary: 'Sign in with OpenID Connect.',
    description: 'Leads a browser to the provider and, when it comes back, sets the session cookie.',
    access: 'anyone',
    query: ExternalSignInQuery,
    status: 307,
    failures,
  }),
}
