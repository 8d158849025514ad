import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from './endpoint.ts'
import { Response } from './wire.ts'

export const BuildInfo = Type.Object(
  {
    external_url: Type.String({ description: 'Where this version is described.' }),
    version: Type.String({
      description: 'Version of the server, for example `v0.13.4+berth.0.1.0`: the API that it speaks and, behind the plus sign, its own.',
    }),
  },
  { title: 'BuildInfo' },
)
export type BuildInfo = Static<typeof BuildInfo>

export const deployment = {
  greet: endpoint({
    method: 'GET',
    path: '/',
    summary: 'Say hello.',
    access: 'anyone',
    status: 200,
    response: Response,
    failures: [],
    trailingSlash: true,
  }),
  buildInfo: endpoint({
    method: 'GET',
    path: '/buildinfo',
    summary: 'Get the version of the server.',
    access: 'anyone',
    status: 200,
    response: BuildInfo,
    failures: [],
    trailingSlash: true,
  }),
}
