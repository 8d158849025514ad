import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from './endpoint.ts'

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
}
