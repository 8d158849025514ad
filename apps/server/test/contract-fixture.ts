import { randomUUID } from 'node:crypto'
import { api, pathParameters, type EndpointSpec } from '@berth/schema'
import { buildEnded, createMember, createTemplate, createWorkspace, uniqueName } from './factories.ts'
import { runSql } from './run-sql.ts'
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

/** What exists for every path parameter, all of it the first user's. */
export interface Existing {
  readonly parameters: Readonly<Record<string, string>>
  readonly agentToken: string
  /** Of a second owner, whom nothing that is done to the first user touches. */
  readonly ownerToken: string
}

/** Creates one of everything that a path can name. */
export async function createOneOfEach(server: TestServer): Promise<Existing> {
  const agentToken = randomUUID()
  const template = await createTemplate(server, {
    // The agents of an import or a dry run belong to no workspace, and would take the token.
    plan: [{ complete: {} }],
    apply: [{ complete: { resources: [{ name: 'dev', type: 'machine', agents: [{ name: 'main', token: agentToken }] }] } }],
  })
  const version = await server.client.templateVersions.get({ params: { templateversion: template.active_version_id } })
  const workspace = await createWorkspace(server, template)
  const build = await buildEnded(server.client, workspace.latest_build.id)
  const { hash } = await server.client.files.upload({ body: Buffer.from(randomUUID()) })
  const dryRun = await server.client.dryRuns.create({ params: { templateversion: version.id }, body: {} })
  const owner = await createMember(server)
  await runSql(server, `update users set rbac_roles = '{owner}' where id = $1`, [owner.id])
  const { key } = await server.client.sessions.createToken({ params: { user: 'me' }, body: {} })
  const group = await server.client.groups.create({
    params: { organization: server.firstUser.organization_id },
    body: { name: uniqueName('group') },
  })
  return {
    agentToken,
    ownerToken: owner.token,
    parameters: {
      organization: server.firstUser.organization_id,
      organizationname: 'testuser',
      user: server.firstUser.user_id,
      keyid: key.slice(0, 10),
      group: group.id,
      groupname: group.name,
      file: hash,
      template: template.id,
      templatename: template.name,
      templateversion: template.active_version_id,
      templateversionname: version.name,
      dryrun: dryRun.id,
      parameterscope: 'template',
      scoped: template.id,
      parametername: 'nothing',
      workspace: workspace.id,
      workspacename: workspace.name,
      workspacebuild: build.id,
      buildnumber: '1',
      process: randomUUID(),
      workspaceagent: build.resources[0]?.agents?.[0]?.id ?? '',
      port: '3000',
    },
  }
}

/** The path of an endpoint with its parameters filled in. */
export function pathOf(spec: EndpointSpec, parameters: Readonly<Record<string, string>>): string {
  return pathParameters(spec.path).reduce((path, name) => {
    const text = parameters[name]
    if (text === undefined) throw new Error(`Nothing exists for the path parameter ":${name}" yet. Create it in createOneOfEach.`)
    return path.replace(`:${name}`, () => text)
  }, spec.path)
}
