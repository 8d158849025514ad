import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'

export const GetAppHostResponse = Type.Object(
  { host: Type.String({ description: 'For example `*.apps.example.com`; empty where apps have no hosts of their own.' }) },
  { title: 'GetAppHostResponse' },
)
export type GetAppHostResponse = Static<typeof GetAppHostResponse>

export const applications = {
  getHost: endpoint({
    method: 'GET',
    path: '/applications/host',
    summary: 'Get the pattern of the host names of apps.',
    access: 'signed_in',
    status: 200,
    response: GetAppHostResponse,
    failures: [],
  }),
  authRedirect: endpoint({
    method: 'GET',
    path: '/applications/auth-redirect',
    summary: 'Sign in to an app on a host of its own.',
    description:
      'Leads a browser back to the app with a key, encrypted and good for a minute, that opens apps and nothing else; whoever is not signed in is led to the page for that. Where apps have no hosts of their own, this is not found.',
    access: { resource: 'api_key', action: 'create' },
    query: Type.Object({
      redirect_uri: Type.Optional(
        Type.String({
          description: 'Where to come back to: an address on the host of an app.',
          examples: ['https://code--main--dev--alice.apps.example.com/'],
        }),
      ),
    }),
    status: 307,
    failures: ['not_found', 'invalid_query', 'invalid_redirect_uri'],
    signInRedirect: true,
  }),
}
