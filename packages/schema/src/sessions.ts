import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from './endpoint.ts'
import { UserParams } from './users.ts'
import { Response } from './wire.ts'

export const LoginWithPasswordRequest = Type.Object(
  {
    email: Type.String({ rules: ['required', 'email'] }),
    password: Type.String({ rules: ['required'] }),
  },
  { title: 'LoginWithPasswordRequest', examples: [{ email: 'ada@example.com', password: 'correct horse battery' }] },
)
export type LoginWithPasswordRequest = Static<typeof LoginWithPasswordRequest>

export const LoginWithPasswordResponse = Type.Object(
  { session_token: Type.String({ description: '`<10 characters>-<22 characters>`; goes into the header `Coder-Session-Token`.' }) },
  { title: 'LoginWithPasswordResponse' },
)
export type LoginWithPasswordResponse = Static<typeof LoginWithPasswordResponse>

export const AuthMethods = Type.Object({ password: Type.Boolean(), github: Type.Boolean(), oidc: Type.Boolean() }, { title: 'AuthMethods' })
export type AuthMethods = Static<typeof AuthMethods>

export const GenerateApiKeyResponse = Type.Object({ key: Type.String() }, { title: 'GenerateAPIKeyResponse' })
export type GenerateApiKeyResponse = Static<typeof GenerateApiKeyResponse>

export const sessions = {
  login: endpoint({
    method: 'POST',
    path: '/users/login',
    summary: 'Sign in with e-mail and password.',
    description: 'The answer also sets the session cookie.',
    access: 'anyone',
    body: LoginWithPasswordRequest,
    status: 201,
    response: LoginWithPasswordResponse,
    failures: ['invalid_json', 'validation_failed', 'incorrect_login', 'incorrect_login_type', 'user_not_active'],
    requestsPerMinute: 60,
  }),
  logout: endpoint({
    method: 'POST',
    path: '/users/logout',
    summary: 'End the session that makes the request.',
    access: 'signed_in',
    status: 200,
    response: Response,
    failures: [],
  }),
  authMethods: endpoint({
    method: 'GET',
    path: '/users/authmethods',
    summary: 'List the ways to sign in.',
    access: 'anyone',
    status: 200,
    response: AuthMethods,
    failures: [],
  }),
  createKey: endpoint({
    method: 'POST',
    path: '/users/:user/keys',
    summary: 'Create a session key that is valid for a week.',
    access: { resource: 'api_key', action: 'create' },
    params: UserParams,
    status: 201,
    response: GenerateApiKeyResponse,
    failures: ['invalid_user', 'not_found'],
  }),
}
