/**
 * The API as an OpenAPI 3.1 document, rendered from the endpoints.
 * @module
 */
import { api, type BerthApi } from '../api.ts'
import type { EndpointSpec } from '../endpoint.ts'
import { Components, type JsonObject } from './components.ts'
import { renderOperation } from './operation.ts'

export { exampleOf, type PlainSchema } from './example-of.ts'
export type { JsonObject } from './components.ts'

/** What a document says about the deployment that it describes. */
export interface OpenApiOptions {
  /** Version of the server. */
  readonly version: string
  /** Where the API is, with the prefix `/api/v2`. Default: `/api/v2` on the server that the document comes from. */
  readonly serverUrl?: string
}

/** An OpenAPI 3.1 document. Plain JSON. */
export interface OpenApiDocument {
  readonly openapi: '3.1.1'
  readonly info: JsonObject
  readonly servers: readonly { readonly url: string; readonly description: string }[]
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  /** Path → method in lower case → operation. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, JsonObject>>>>
  readonly components: { readonly securitySchemes: JsonObject; readonly schemas: JsonObject }
}

const tags: { readonly [Noun in keyof BerthApi]: { readonly name: string; readonly description: string } } = {
  deployment: { name: 'Deployment', description: 'The server itself.' },
  users: { name: 'Users', description: 'People with an account.' },
  externalSignIn: { name: 'Sign-in elsewhere', description: 'Signing in through GitHub or OpenID Connect.' },
  sessions: { name: 'Sessions', description: 'Signing in and out, and session tokens.' },
  organizations: { name: 'Organizations', description: 'What users, templates and workspaces belong to.' },
  roles: { name: 'Roles', description: 'What people may do, everywhere and in an organization.' },
  authorization: { name: 'Authorization', description: 'Questions about what the caller may do.' },
  files: { name: 'Files', description: 'Uploaded template archives.' },
  templates: { name: 'Templates', description: 'What workspaces are made of.' },
  templateVersions: { name: 'Template versions', description: 'The archives that a template has been, and their import.' },
  dryRuns: { name: 'Dry runs', description: 'What a workspace would get, found out without making it.' },
  parameters: { name: 'Parameters', description: 'Values that templates, imports and workspaces have been given.' },
  workspaces: { name: 'Workspaces', description: 'Where people work.' },
  builds: { name: 'Builds', description: 'Starting, stopping and deleting workspaces.' },
  coordinator: { name: 'Coordinator', description: 'How agents and clients of the Coder kind find each other.' },
  instanceIdentity: { name: 'Instance identity', description: 'Agents on machines that can prove which machine they are.' },
  gitSshKeys: { name: 'Git SSH keys', description: 'The keys with which git in workspaces signs in over SSH.' },
  gitAuth: { name: 'Git sign-in', description: 'Tokens with which git in workspaces signs in over HTTPS.' },
  agents: { name: 'Agents', description: 'The processes inside workspaces, and the ways to them.' },
  applications: { name: 'Applications', description: 'Where the apps of workspaces are reached.' },
  groups: { name: 'Groups', description: 'People who share templates and credits.' },
  quotas: { name: 'Quotas', description: 'Credits for workspaces.' },
  audit: { name: 'Audit log', description: 'Who did what, when and from where.' },
}

const header = 'Coder-Session-Token'
const securitySchemes = {
  sessionToken: {
    type: 'apiKey',
    in: 'header',
    name: header,
    description: 'A session token: from signing in, or a key made for a program.',
  },
  sessionCookie: { type: 'apiKey', in: 'cookie', name: 'coder_session_token', description: 'The same token as the cookie of a browser.' },
  agentToken: { type: 'apiKey', in: 'header', name: header, description: 'The token that a workspace agent was started with.' },
}

/**
 * Renders the whole API: every operation with its parameters, bodies, answers, failures and examples. The same input gives the same
 * document, in the order of the endpoints.
 */
export function renderOpenApi({ version, serverUrl = '/api/v2' }: OpenApiOptions): OpenApiDocument {
  const components = new Components()
  const paths: Record<string, Record<string, JsonObject>> = {}
  for (const [noun, group] of Object.entries(api)) {
    // The keys of `api` are the keys that `tags` has by its type.
    const tag = tags[noun as keyof BerthApi].name
    for (const [name, spec] of Object.entries<EndpointSpec>(group)) {
      const path = spec.path.replace(/:(\w+)/g, '{$1}')
      const operation = renderOperation(spec, { operationId: `${noun}_${name}`, tag }, components)
      paths[path] = { ...paths[path], [spec.method.toLowerCase()]: operation }
    }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Berth API',
      version,
      summary: 'Self-hosted developer workspaces.',
      description:
        'Berth speaks the Coder v2 HTTP API as of v0.13.4. Failures answer with a message for people, and with the fields that were refused.',
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl, description: 'This deployment.' }],
    tags: Object.values(tags),
    paths,
    components: { securitySchemes, schemas: components.schemas() },
  }
}
