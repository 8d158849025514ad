import { randomUUID } from 'node:crypto'
import { api, pathParameters, type EndpointSpec } from '@berth/schema'
import { buildEnded, createTemplate, createWorkspace } from './factories.ts'
import type { TestServer } from './start-test-server.ts'

/** One endpoint with its name, as in `workspaces.create`. */
export interface NamedEndpoint {
  readonly name: string
  readonly spec: EndpointSpec
}

/** Every endpoint of the contract. */
export const endpoints: readonly NamedEndpoint[] = Object.entries(api).flatMap(([noun, group]) =>
  Object.entries<EndpointSpec>(group).map(([verb, spec]) => ({ name: `${noun}.${verb}`, spec })),
)

/** What exists for every path parameter, all of it the first user's, and the token of an agent. */
export interface Existing {
  readonly parameters: Readonly<Record<string, string>>
  readonly agentToken: string
}

/** Creates one of everything that a path can name. */
export async function createOneOfEach(server: TestServer): Promise<Existing> {
  const agentToken = randomUUID()
  const template = await createTemplate(server, {
    apply: [{ complete: { resources: [{ name: 'dev', type: 'machine', agents: [{ name: 'main', token: agentToken }] }] } }],
  })
  const workspace = await createWorkspace(server, template)
  const build = await buildEnded(server.client, workspace.latest_build.id)
  const { hash } = await server.client.files.upload({ body: Buffer.from(randomUUID()) })
  return {
    agentToken,
    parameters: {
      organization: server.firstUser.organization_id,
      organizationname: 'testuser',
      user: 'testuser',
      file: hash,
      template: template.id,
      templatename: template.name,
      templateversion: template.active_version_id,
      workspace: workspace.id,
      workspacename: workspace.name,
      workspacebuild: build.id,
      buildnumber: '1',
      workspaceagent: build.resources[0]?.agents?.[0]?.id ?? '',
    },
  }
}

/** The path of an endpoint with its parameters filled in. */
export function pathOf(spec: EndpointSpec, parameters: Readonly<Record<string, string>>): string {
  return pathParameters(spec.path).reduce((path, name) => path.replace(`:${name}`, parameters[name] ?? ''), spec.path)
}
