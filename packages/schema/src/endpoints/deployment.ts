import { Type, type Static } from '@sinclair/typebox'
import { DeploymentConfig } from './deployment-config.ts'
import { endpoint } from '../endpoint.ts'
import { Choice, Line, MapOf, Response } from '../wire.ts'

export const BuildInfo = Type.Object(
  {
    external_url: Type.String({ format: 'uri', description: 'URL of the documentation for this version.' }),
    version: Type.String({
      description:
        'Server version, for example `v0.13.4+berth.0.1.0`: the version of the API, then after the plus sign the version of Berth.',
    }),
  },
  { title: 'BuildInfo' },
)
export type BuildInfo = Static<typeof BuildInfo>

export const UpdateCheckResponse = Type.Object(
  {
    current: Type.Boolean({ description: 'Whether the running version is the latest known release.' }),
    version: Type.String({ description: 'Latest known release.' }),
    url: Type.String({ description: 'URL of the release notes.' }),
  },
  { title: 'UpdateCheckResponse' },
)
export type UpdateCheckResponse = Static<typeof UpdateCheckResponse>

const Feature = Type.Object(
  {
    entitlement: Choice(['entitled', 'not_entitled'], { description: '`not_entitled`: the server does not have the feature.' }),
    enabled: Type.Boolean({ description: 'Whether the server has the feature and its setting is on.' }),
  },
  { title: 'Feature' },
)

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
    }),
    warnings: Type.Array(Type.String()),
    errors: Type.Array(Type.String()),
    has_license: Type.Boolean({
      description: 'Always true: no feature needs a licence, and dashboards hide all of them from a server without one.',
    }),
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
    enabled: Type.Boolean({ description: 'Whether to show the banner.' }),
    message: Type.Optional(Type.String({ maxLength: 3_000, description: 'Text of the banner.' })),
    background_color: Type.Optional(Line({ description: 'Color as `#rrggbb`. Empty: the color of the page.' })),
  },
  { title: 'UpdateServiceBannerRequest', examples: [{ enabled: true, message: 'Down for repairs at noon.', background_color: '#004852' }] },
)
export type UpdateServiceBannerRequest = Static<typeof UpdateServiceBannerRequest>

export const CspReportRequest = Type.Object(
  {
    'csp-report': Type.Optional(MapOf(Type.Unknown(), { description: 'The report as the browser sends it.' })),
  },
  { title: 'CSPReportRequest', examples: [{ 'csp-report': { 'blocked-uri': 'https://example.com/script.js' } }] },
)
export type CspReportRequest = Static<typeof CspReportRequest>

export const deployment = {
  greet: endpoint({
    method: 'GET',
    path: '/',
    summary: 'Greet the caller.',
    description: 'Needs no credentials, so it suits checks that the API can be reached.',
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
    description:
      'Clients can compare this version with their own. The part before the plus sign is the version of the API that the server speaks.',
    access: 'anyone',
    status: 200,
    response: BuildInfo,
    failures: [],
    trailingSlash: true,
  }),
  updateCheck: endpoint({
    method: 'GET',
    path: '/updatecheck',
    summary: 'Check for a newer release.',
    description: 'When update checks are off, the running version counts as the latest.',
    access: 'anyone',
    status: 200,
    response: UpdateCheckResponse,
    failures: [],
    trailingSlash: true,
  }),
  getConfig: endpoint({
    method: 'GET',
    path: '/config/deployment',
    summary: 'Get the settings of the deployment. Secrets are blank.',
    description: 'Each setting comes with its name, flag, default and value, nested by the words of its path.',
    access: { resource: 'deployment_config', action: 'read', denied: 'forbidden' },
    status: 200,
    response: DeploymentConfig,
    failures: ['forbidden'],
  }),
  getEntitlements: endpoint({
    method: 'GET',
    path: '/entitlements',
    summary: 'List the licensed features. All are enabled.',
    description: 'No feature needs a license. `enabled` tells clients which features they can offer.',
    access: 'anyone',
    status: 200,
    response: Entitlements,
    failures: [],
  }),
  getServiceBanner: endpoint({
    method: 'GET',
    path: '/service-banner',
    summary: 'Get the banner shown on every page.',
    description: 'Clients show the message on the background color while `enabled` is true.',
    access: 'signed_in',
    status: 200,
    response: ServiceBanner,
    failures: [],
    trailingSlash: true,
  }),
  updateServiceBanner: endpoint({
    method: 'PUT',
    path: '/service-banner',
    summary: 'Set the banner shown on every page.',
    description: 'Applies to every user of the deployment. Send `enabled: false` to hide the banner.',
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
    summary: 'Report a violation of the content security policy.',
    description: 'Sent by browsers. The server writes the report to its log.',
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
    description: 'Describes the running version of the server. The page at `/docs` shows the same document to people.',
    access: 'anyone',
    status: 200,
    response: Type.Object(
      { openapi: Type.String({ examples: ['3.1.1'] }) },
      { description: 'An OpenAPI 3.1 document.', additionalProperties: true },
    ),
    failures: [],
  }),
}
