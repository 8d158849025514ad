import { randomBytes } from 'node:crypto'
import { echoArchive, type EchoResponses } from '@berth/provisioner/testing'
import type { Template, TemplateVersion, Workspace, WorkspaceBuild } from '@berth/schema'
import type { Client } from '@berth/sdk'
import { eventually } from './eventually.ts'
import type { TestServer } from './start-test-server.ts'

/** A name that no other test uses. */
export function uniqueName(prefix = 'test'): string {
  return `${prefix}-${randomBytes(4).toString('hex')}`
}

/** Uploads an echo archive and creates a version of it, without waiting for its import. */
export async function createVersion(server: TestServer, responses: EchoResponses = {}, templateId?: string): Promise<TemplateVersion> {
  const { client, firstUser } = server
  const { hash } = await client.files.upload({ body: echoArchive(responses) })
  return await client.templateVersions.create({
    params: { organization: firstUser.organization_id },
    body: { storage_method: 'file', file_id: hash, provisioner: 'echo', template_id: templateId },
  })
}

/** A template whose import has ended. */
export async function createTemplate(server: TestServer, responses: EchoResponses = {}, fields: Partial<Template> = {}): Promise<Template> {
  const { client, firstUser } = server
  const version = await createVersion(server, responses)
  await importEnded(client, version.id)
  const { default_ttl_ms, allow_user_cancel_workspace_jobs, icon, display_name } = fields
  return await client.templates.create({
    params: { organization: firstUser.organization_id },
    body: {
      name: uniqueName('template'),
      template_version_id: version.id,
      default_ttl_ms,
      allow_user_cancel_workspace_jobs,
      icon,
      display_name,
    },
  })
}

export async function importEnded(client: Client, templateversion: string): Promise<TemplateVersion> {
  return await eventually(async () => {
    const version = await client.templateVersions.get({ params: { templateversion } })
    return version.job.completed_at === undefined ? undefined : version
  })
}

/** A workspace of the first user, unless said otherwise; its build may be under way. */
export async function createWorkspace(
  server: TestServer,
  template: Template,
  fields: { name?: string; client?: Client; user?: string; ttl_ms?: number | null; autostart_schedule?: string } = {},
): Promise<Workspace> {
  const { client = server.client, user = 'me', name = uniqueName('ws'), ttl_ms, autostart_schedule } = fields
  return await client.workspaces.create({
    params: { organization: server.firstUser.organization_id, user },
    body: { template_id: template.id, name, ttl_ms, autostart_schedule },
  })
}

/** Waits until a build has ended, well or badly. */
export async function buildEnded(client: Client, workspacebuild: string): Promise<WorkspaceBuild> {
  return await eventually(async () => {
    const ended = await client.builds.get({ params: { workspacebuild } })
    return ended.job.completed_at === undefined ? undefined : ended
  })
}

/** Builds and waits for the end. */
export async function build(client: Client, workspace: string, transition: 'start' | 'stop' | 'delete'): Promise<WorkspaceBuild> {
  const { id } = await client.builds.create({ params: { workspace }, body: { transition } })
  return await buildEnded(client, id)
}

export interface Member {
  readonly id: string
  readonly username: string
  readonly client: Client
  readonly token: string
}

/** Creates a signed-in member of the first user's organization, or of `organization`. */
export async function createMember(
  server: TestServer,
  { organization = server.firstUser.organization_id, roles }: { organization?: string; roles?: string[] } = {},
): Promise<Member> {
  const username = uniqueName('member')
  const email = `${username}@example.com`
  const password = 'testpass'
  const user = await server.client.users.create({
    body: { email, username, password, organization_id: organization },
  })
  if (roles !== undefined) await server.client.users.updateRoles({ params: { user: user.id }, body: { roles } })
  const { session_token } = await server.clientFor().sessions.login({ body: { email, password } })
  return { id: user.id, username, client: server.clientFor(session_token), token: session_token }
}
