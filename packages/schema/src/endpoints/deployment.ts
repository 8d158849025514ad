import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { DeploymentConfig } from './deployment-config.ts'
import { endpoint } from '../endpoint.ts'
import { Response } from '../wire.ts'

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

export const UpdateCheckResponse = Type.Object(
  {
    current: Type.Boolean({ description: 'Whether nothing newer is known.' }),
    version: Type.String({ description: 'The newest version that is known.' }),
    url: Type.String({ description: 'Where that version is described.' }),
  },
  { title: 'UpdateCheckResponse' },
)
export type UpdateCheckResponse = Static<typeof UpdateCheckResponse>

const features = [
  'user_limit',
  'audit_log',
  'browser_only',
  'scim',
  'template_rbac',
  'high_availability',
  'multiple_git_auth',
  'external_provisioner_daemons',
  'service_banners',
] as const
/** Names of what other editions may charge for (Coder v2 API, v0.13.4). */
export const entitledFeatures: readonly (typeof features)[number][] = features

const Feature = Type.Object({ entitlement: Type.Literal('entitled'), enabled: Type.Boolean() }, { title: 'Feature' })

export const Entitlements = Type.Object(
  {
    features: Type.Object({
      user_limit: Feature,
      audit_log: Feature,
      browser_only: Feature,
      scim: Feature,
      template_rbac: Feature,
      high_availability: Feature,
      multiple_git_auth: Feature,
      external_provisioner_daemons: Feature,
      service_banners: Feature,
    } satisfies Record<(typeof features)[number], TSchema>),
    warnings: Type.Array(Type.String()),
    errors: Type.Array(Type.String()),
    has_license: Type.Boolean(),
    experimental: Type.Boolean(),
    trial: Type.Boolean(),
  },
  { title: 'Entitlements' },
)
export type Entitlements = Static<typeof Entitlements>

export const ServiceBanner = Type.Object(
  { enabled: Type.Boolean(), message: Type.Optional(Type.String()), background_color: Type.Optional(Type.String()) },
  { title: 'ServiceBanner' },
)
export type ServiceBanner = Static<typeof ServiceBanner>

export const UpdateServiceBannerRequest = Type.Object(
  {
    enabled: Type.Boolean({ description: 'Whether it is shown.' }),
    message: Type.Optional(Type.String({ maxLength: 3_000, description: 'What it says.' })),
    background_color: Type.Optional(Type.String({ description: 'As #rrggbb; empty: that of the page.' })),
  },
  { title: 'UpdateServiceBannerRequest', examples: [{ enabled: true, message: 'Down for repairs at noon.', background_color: '#004852' }] },
)
export type UpdateServiceBannerRequest = Static<typeof UpdateServiceBannerRequest>

export const CspReportRequest = Type.Object(
  {
    'csp-report': Type.Optional(
      Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.Unknown(), { description: 'As browsers write it.' }),
    ),
  },
  { title: 'CSPReportRequest', examples: [{ 'csp-report': { 'blocked-uri': 'https://example.com/script.js' } }] },
)
export type CspReportRequest = Static<typeof CspReportRequest>

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
  updateCheck: endpoint({
    method: 'GET',
    path: '/updatecheck',
    summary: 'Tell whether there is a newer release.',
    description: 'Where the deployment does not look for releases, the running version counts as the newest.',
    access: 'anyone',
    status: 200,
    response: UpdateCheckResponse,
    failures: [],
    trailingSlash: true,
  }),
  getConfig: endpoint({
    method: 'GET',
    path: '/config/deployment',
    summary: 'Get the settings of the deployment, without its secrets.',
    access: { resource: 'deployment_config', action: 'read', denied: 'forbidden' },
    status: 200,
    response: DeploymentConfig,
    failures: ['forbidden'],
  }),
  getEntitlements: endpoint({
    method: 'GET',
    path: '/entitlements',
    summary: 'Get what may be used: everything.',
    access: 'anyone',
    status: 200,
    response: Entitlements,
    failures: [],
  }),
  getServiceBanner: endpoint({
    method: 'GET',
    path: '/service-banner',
    summary: 'Get the message that is shown on every page.',
    access: 'signed_in',
    status: 200,
    response: ServiceBanner,
    failures: [],
    trailingSlash: true,
  }),
  updateServiceBanner: endpoint({
    method: 'PUT',
    path: '/service-banner',
    summary: 'Set the message that is shown on every page.',
    access: { resource: 'deployment_config', action: 'update', denied: 'forbidden' },
    body: UpdateServiceBannerRequest,
    status: 200,
    response: ServiceBanner,
    failures: ['forbidden', 'invalid_json', 'validation_failed'],
    trailingSlash: true,
  }),
  reportCsp: endpoint({
    method: 'POST',
    path: '/csp/reports',
    summary: 'Report what the content security policy kept a page from.',
    description: 'Browsers do. The report goes into the log of the server.',
    access: 'anyone',
    body: CspReportRequest,
    status: 200,
    response: Type.String({ examples: ['ok'] }),
    failures: ['invalid_json'],
  }),
  getOpenApi: endpoint({
    method: 'GET',
    path: '/openapi.json',
    summary: 'Get this document.',
    access: 'anyone',
    status: 200,
    response: Type.Object({ openapi: Type.String({ examples: ['3.1.1'] }) }, { description: 'OpenAPI 3.1.', additionalProperties: true }),
    failures: [],
  }),
}
