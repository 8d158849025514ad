import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { UserParams } from './users.ts'
import { AnyInteger, Choice, LongLine, Response, Timestamp, Uuid } from '../wire.ts'

export const LoginWithPasswordRequest = Type.Object(
  {
    email: Type.String({ rules: ['required', 'email'] }),
    password: LongLine({ rules: ['required'] }),
  },
  { title: 'LoginWithPasswordRequest', examples: [{ email: 'ada@example.com', password: 'correct horse battery' }] },
)
export type LoginWithPasswordRequest = Static<typeof LoginWithPasswordRequest>

export const LoginWithPasswordResponse = Type.Object(
  { session_token: Type.String({ description: 'Send it in the header `Coder-Session-Token`.' }) },
  { title: 'LoginWithPasswordResponse' },
)
export type LoginWithPasswordResponse = Static<typeof LoginWithPasswordResponse>

export const AuthMethods = Type.Object({ password: Type.Boolean(), github: Type.Boolean(), oidc: Type.Boolean() }, { title: 'AuthMethods' })
export type AuthMethods = Static<typeof AuthMethods>

export const GenerateApiKeyResponse = Type.Object({ key: Type.String() }, { title: 'GenerateAPIKeyResponse' })
export type GenerateApiKeyResponse = Static<typeof GenerateApiKeyResponse>

/** Scopes of a key: the whole API, or opening apps only. */
export const keyScopes = ['all', 'application_connect'] as const

export const ApiKey = Type.Object(
  {
    id: Type.String({ description: 'Part of the token before the hyphen.' }),
    user_id: Uuid(),
    last_used: Timestamp({ description: 'The zero time until the first use. Not updated on every request.' }),
    expires_at: Timestamp(),
    created_at: Timestamp(),
    updated_at: Timestamp(),
    login_type: Choice(['password', 'github', 'oidc', 'token']),
    scope: Choice(keyScopes),
    lifetime_seconds: Type.Integer({ description: 'Each use can extend the expiry to this long from then.' }),
  },
  {
    title: 'APIKey',
    examples: [
      {
        id: 'fzQ2vVwYbT',
        user_id: '497f6eca-6276-4993-bfeb-53cbbbba6f08',
        last_used: '2022-12-19T10:00:00.12Z',
        expires_at: '2023-01-18T10:00:00.12Z',
        created_at: '2022-12-19T10:00:00.12Z',
        updated_at: '2022-12-19T10:00:00.12Z',
        login_type: 'token',
        scope: 'all',
        lifetime_seconds: 2_592_000,
      },
    ],
  },
)
export type ApiKey = Static<typeof ApiKey>

export const CreateTokenRequest = Type.Object(
  {
    lifetime: Type.Optional(
      AnyInteger({ description: 'Nanoseconds. 0 or absent: the default, or the maximum of the deployment if that is shorter.' }),
    ),
    scope: Type.Optional(Choice(keyScopes, { rules: ['oneof'], description: 'Default: `all`.' })),
  },
  { title: 'CreateTokenRequest', examples: [{ lifetime: 604_800_000_000_000, scope: 'all' }] },
)
export type CreateTokenRequest = Static<typeof CreateTokenRequest>

export const KeyParams = Type.Object({
  ...UserParams.properties,
  keyid: Type.String({ description: 'ID of a session or token.', examples: ['fzQ2vVwYbT'] }),
})

export const sessions = {
  login: endpoint({
    method: 'POST',
    path: '/users/login',
    summary: 'Sign in with an e-mail address and a password.',
    description: 'The answer also sets the session cookie.',
    access: 'anyone',
    body: LoginWithPasswordRequest,
    status: 201,
    response: LoginWithPasswordResponse,
    failures: ['invalid_json', 'validation_failed', 'incorrect_login', 'incorrect_login_type', 'user_not_active', 'origin_forbidden'],
    ownPagesOnly: true,
    requestsPerMinute: 60,
  }),
  logout: endpoint({
    method: 'POST',
    path: '/users/logout',
    summary: 'Sign out.',
    description: 'Ends the session that makes the request and clears the session cookie.',
    access: 'signed_in',
    status: 200,
    response: Response,
    failures: [],
  }),
  authMethods: endpoint({
    method: 'GET',
    path: '/users/authmethods',
    summary: 'List the enabled sign-in methods.',
    description: 'Sign-in pages use it to decide which methods to offer.',
    access: 'anyone',
    status: 200,
    response: AuthMethods,
    failures: [],
  }),
  createKey: endpoint({
    method: 'POST',
    path: '/users/:user/keys',
    summary: 'Create a session key.',
    description:
      'For another program of the same user, such as the command line, without another sign-in. Only this answer contains the key.',
    access: { resource: 'api_key', action: 'create' },
    params: UserParams,
    status: 201,
    response: GenerateApiKeyResponse,
    failures: ['invalid_user', 'not_found'],
  }),
  createToken: endpoint({
    method: 'POST',
    path: '/users/:user/keys/tokens',
    summary: 'Create an API token.',
    description:
      "For scripts and other programs. Only this answer contains the token; the server stores its hash. A lifetime beyond the deployment's maximum is refused with 400.",
    access: { resource: 'api_key', action: 'create' },
    params: UserParams,
    body: CreateTokenRequest,
    status: 201,
    response: GenerateApiKeyResponse,
    failures: ['invalid_user', 'not_found', 'invalid_json', 'validation_failed', 'invalid_token_lifetime'],
  }),
  listTokens: endpoint({
    method: 'GET',
    path: '/users/:user/keys/tokens',
    summary: "List a user's API tokens.",
    description: 'Shows scope and expiry of each token, but never its secret. Sessions from sign-in are not listed.',
    access: { resource: 'api_key', action: 'read' },
    params: UserParams,
    status: 200,
    response: Type.Array(ApiKey),
    failures: ['invalid_user', 'not_found'],
  }),
  getKey: endpoint({
    method: 'GET',
    path: '/users/:user/keys/:keyid',
    summary: "Get one of a user's sessions or tokens.",
    description: 'Shows when the key was last used and when it expires, but never its secret. A key of another user is 404.',
    access: { resource: 'api_key', action: 'read' },
    params: KeyParams,
    status: 200,
    response: ApiKey,
    failures: ['invalid_user', 'not_found'],
  }),
  deleteKey: endpoint({
    method: 'DELETE',
    path: '/users/:user/keys/:keyid',
    summary: "Revoke one of a user's sessions or tokens.",
    description: 'The key stops working at once. A key that does not exist, or that belongs to another user, is 404.',
    access: { resource: 'api_key', action: 'delete' },
    params: KeyParams,
    status: 204,
    failures: ['invalid_user', 'not_found'],
  }),
}
