/**
 * The API as an OpenAPI 3.1 document, rendered from the endpoints.
 * @module
 */
import { api, type BerthApi } from '../api.ts'
import type { EndpointSpec } from '../endpoint.ts'
import { Components, type JsonObject } from './components.ts'
import { introduction } from './introduction.ts'
import { renderOperation } from './operation.ts'

export { exampleOf, type PlainSchema } from './example-of.ts'
export type { JsonObject } from './components.ts'

/** The deployment that a document describes. */
export interface OpenApiOptions {
  /** Version of the server, in the document's `info`. */
  readonly version: string
  /**
   * URL of the API, including `/api/v2`. Default: `/api/v2` on the server that hands out the
   * document.
   */
  readonly serverUrl?: string
}

/** An OpenAPI 3.1 document as plain JSON. */
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
  deployment: { name: 'Deployment', description: 'The server, its settings and its features.' },
  users: { name: 'Users', description: 'User accounts.' },
  externalSignIn: { name: 'External sign-in', description: 'Sign-in with GitHub or OpenID Connect.' },
  sessions: { name: 'Sessions', description: 'Sign-in, sign-out, sessions and API tokens.' },
  organizations: { name: 'Organizations', description: 'Organizations, to which users, templates and workspaces belong.' },
  roles: { name: 'Roles', description: 'Site roles and organization roles.' },
  authorization: { name: 'Authorization', description: 'Permission checks.' },
  files: { name: 'Files', description: 'Uploaded template archives.' },
  templates: { name: 'Templates', description: 'Templates of workspaces, and who may use them.' },
  templateVersions: { name: 'Template versions', description: 'Versions of templates, and their import.' },
  dryRuns: { name: 'Dry runs', description: 'Plans of workspaces that are not created.' },
  parameters: { name: 'Parameters', description: 'Parameter values of templates, import jobs and workspaces.' },
  workspaces: { name: 'Workspaces', description: 'Workspaces, their schedules and their changes.' },
  builds: { name: 'Builds', description: 'Starting, stopping and deleting workspaces.' },
  coordinator: { name: 'Coordinator', description: 'Connections between agents and clients of the Coder v2 API.' },
  instanceIdentity: { name: 'Instance identity', description: 'Sign-in of agents on cloud machines.' },
  gitSshKeys: { name: 'Git SSH keys', description: 'SSH keys for git in workspaces.' },
  gitAuth: { name: 'Git tokens', description: 'Tokens for git over HTTPS in workspaces.' },
  agents: { name: 'Agents', description: 'Agents, their reports, and connections to them.' },
  processes: { name: 'Processes', description: 'Commands and processes in workspaces.' },
  workspaceFiles: { name: 'Workspace files', description: 'Files and folders in workspaces.' },
  applications: { name: 'Applications', description: 'Host names of workspace apps, and sign-in to them.' },
  portShares: { name: 'Ports', description: 'Who may open the ports of a workspace.' },
  groups: { name: 'Groups', description: 'Groups, which share templates and workspace credits.' },
  quotas: { name: 'Quotas', description: 'Workspace credits.' },
  audit: { name: 'Audit log', description: 'Records of who changed what, when and from where.' },
}

const header = 'Coder-Session-Token'
const securitySchemes = {
  sessionToken: {
    type: 'apiKey',
    in: 'header',
    name: header,
    description: 'A session token from sign-in, or an API token.',
  },
  sessionCookie: { type: 'apiKey', in: 'cookie', name: 'coder_session_token', description: 'The same token in a browser cookie.' },
  agentToken: { type: 'apiKey', in: 'header', name: header, description: "A workspace agent's token." },
}

/**
 * Renders the whole API: every operation with its parameters, bodies, answers, failures and
 * examples. The same input always gives the same document.
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
      description: introduction,
      contact: { name: 'The administrators of this deployment' },
      license: { name: 'Apache License 2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: serverUrl, description: 'This deployment.' }],
    tags: Object.values(tags),
    paths,
    components: { securitySchemes, schemas: components.schemas() },
  }
}
