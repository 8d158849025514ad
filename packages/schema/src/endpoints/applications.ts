import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { LongLine } from '../wire.ts'

export const GetAppHostResponse = Type.Object(
  { host: Type.String({ description: 'For example `*.apps.example.com`. Empty when the deployment has no wildcard host name for apps.' }) },
  { title: 'GetAppHostResponse' },
)
export type GetAppHostResponse = Static<typeof GetAppHostResponse>

export const applications = {
  getHost: endpoint({
    method: 'GET',
    path: '/applications/host',
    summary: 'Get the wildcard host name of apps.',
    description: 'Apps on subdomains have host names that match it. Empty if the deployment has none.',
    access: 'signed_in',
    status: 200,
    response: GetAppHostResponse,
    failures: [],
  }),
  authRedirect: endpoint({
    method: 'GET',
    path: '/applications/auth-redirect',
    summary: 'Sign in to an app on its own subdomain.',
    description:
      'Redirects the browser back to the app with a short-lived, encrypted key that can only open apps. A caller who is not signed in is redirected to the sign-in page first. Answers 404 when the deployment has no wildcard host name for apps.',
    access: { resource: 'api_key', action: 'create' },
    query: Type.Object({
      redirect_uri: Type.Optional(
        LongLine({
          description: 'URL to return to. Its host must be that of an app.',
          examples: ['https://code--main--dev--alice.apps.example.com/'],
        }),
      ),
    }),
    status: 307,
    failures: ['not_found', 'invalid_query', 'invalid_redirect_uri'],
    signInRedirect: true,
  }),
}
