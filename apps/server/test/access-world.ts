import { randomUUID } from 'node:crypto'
import { echoArchive } from '@berth/provisioner/testing'
import type { Template } from '@berth/schema'
import type { Caller } from './access-table.ts'
import { buildEnded, createMember, importEnded, uniqueName, type Member } from './factories.ts'
import { eventually } from './eventually.ts'
import { runSql } from './run-sql.ts'
import type { TestServer } from './start-test-server.ts'

/** One of everything that a path can name, all of it in one organization and of one person. */
export interface Things {
  readonly organization: string
  readonly owner: string
  readonly isTemplateShared: boolean
  readonly parameters: Readonly<Record<string, string>>
  /** What `:scoped` is, by scope. */
  readonly scoped: Readonly<Record<string, string>>
}

/** People of every role, and things of three people. */
export interface World {
  readonly callers: Readonly<Record<string, Caller>>
  readonly things: Readonly<Record<string, Things>>
}

/** Two organizations, the people and the things in them; nothing is under way any more. */
export async function createWorld(server: TestServer): Promise<World> {
  const home = server.firstUser.organization_id
  const foreign = await server.client.organizations.create({ body: { name: uniqueName('foreign') } })
  const callerOf = ({ id, token }: Member, fields: Partial<Caller> = {}): Caller => ({
    id,
    token,
    siteRoles: [],
    organization: home,
    organizationRoles: [],
    ...fields,
  })
  const withRole = async (role: string, fields: Partial<Caller> = {}): Promise<Caller> =>
    callerOf(await createMember(server, { roles: [role] }), { siteRoles: [role], ...fields })
  const organizationAdmin = await createMember(server)
  await server.client.roles.updateMember({
    params: { organization: home, user: organizationAdmin.id },
    body: { roles: [`organization-admin:${home}`] },
  })
  const [self, other] = [await createMember(server), await createMember(server)]
  const outsider = await createMember(server, { organization: foreign.id })
  const callers = {
    owner: await withRole('owner'),
    'template-admin': await withRole('template-admin'),
    'user-admin': await withRole('user-admin'),
    auditor: await withRole('auditor'),
    'organization-admin': callerOf(organizationAdmin, { organizationRoles: ['organization-admin'] }),
    self: callerOf(self),
    member: callerOf(await createMember(server)),
    outsider: callerOf(outsider, { organization: foreign.id }),
    suspended: await withRole('owner', { isSuspended: true }),
    'key for applications': await withRole('owner', { isForApplications: true }),
  }
  const things = {
    'of self': await createThings(server, self, { organization: home, isTemplateShared: true }),
    'of somebody else, of a template that is not shared': await createThings(server, other, {
      organization: home,
      isTemplateShared: false,
    }),
    'in another organization': await createThings(server, outsider, { organization: foreign.id, isTemplateShared: true }),
  }
  // The first use of a key is noted; from here on nothing but what is asked for leaves traces.
  for (const { token } of Object.values(callers)) await server.clientFor(token).users.get({ params: { user: 'me' } })
  // Owners are not suspended before they lose their role.
  await runSql(server, `update users set status = 'suspended' where id = $1`, [callers.suspended.id])
  await runSql(server, `update api_keys set scope = 'application_connect' where user_id = $1`, [callers['key for applications'].id])
  return { callers, things }
}

async function createThings(
  server: TestServer,
  owner: Member,
  { organization, isTemplateShared }: Pick<Things, 'organization' | 'isTemplateShared'>,
): Promise<Things> {
  const template = await createTemplateIn(server, organization)
  const version = await server.client.templateVersions.get({ params: { templateversion: template.active_version_id } })
  const created = await owner.client.workspaces.create({
    params: { organization, user: 'me' },
    body: { template_id: template.id, name: uniqueName('ws') },
  })
  const build = await buildEnded(owner.client, created.latest_build.id)
  const dryRun = await owner.client.dryRuns.create({ params: { templateversion: version.id }, body: {} })
  await eventually(async () => {
    const { completed_at } = await owner.client.dryRuns.get({ params: { templateversion: version.id, dryrun: dryRun.id } })
    return completed_at === undefined ? undefined : true
  })
  const { hash } = await owner.client.files.upload({ body: Buffer.from(randomUUID()) })
  const { key } = await owner.client.sessions.createToken({ params: { user: 'me' }, body: {} })
  const group = await server.client.groups.create({ params: { organization }, body: { name: uniqueName('group') } })
  const scoped = { template: template.id, workspace: created.id, import_job: version.job.id }
  for (const [parameterscope, id] of Object.entries(scoped))
    await runSql(
      server,
      `insert into parameter_values (id, created_at, updated_at, scope, scope_id, name, source_scheme, source_value, destination_scheme)
       values ($1, now(), now(), $2, $3, 'region', 'data', 'here', 'none')`,
      [randomUUID(), parameterscope, id],
    )
  if (!isTemplateShared)
    await server.client.templates.updateAccessList({ params: { template: template.id }, body: { group_perms: { [organization]: '' } } })
  return {
    organization,
    owner: owner.id,
    isTemplateShared,
    scoped,
    parameters: {
      organization,
      organizationname: (await server.client.organizations.get({ params: { organization } })).name,
      user: owner.username,
      keyid: key.slice(0, 10),
      group: group.id,
      groupname: group.name,
      file: hash,
      template: template.id,
      templatename: template.name,
      templateversion: version.id,
      templateversionname: version.name,
      dryrun: dryRun.id,
      parametername: 'region',
      workspace: created.id,
      workspacename: created.name,
      workspacebuild: build.id,
      buildnumber: '1',
      process: randomUUID(),
      workspaceagent: build.resources[0]?.agents?.[0]?.id ?? '',
      port: '3000',
    },
  }
}

/** A template with an agent, whose users may cancel builds. */
async function createTemplateIn({ client }: TestServer, organization: string): Promise<Template> {
  const resource = { name: 'dev', type: 'machine', agents: [{ name: 'main', token: randomUUID() }] }
  const { hash } = await client.files.upload({ body: echoArchive({ apply: [{ complete: { resources: [resource] } }] }) })
  const version = await client.templateVersions.create({
    params: { organization },
    body: { storage_method: 'file', file_id: hash, provisioner: 'echo' },
  })
  await importEnded(client, version.id)
  return await client.templates.create({
    params: { organization },
    body: { name: uniqueName('template'), template_version_id: version.id, allow_user_cancel_workspace_jobs: true },
  })
}
