import type { Workspace } from '@berth/schema/shapes'
import type { CallOptions, DerivedClient } from './client.ts'

/** A workspace to create, in few words. */
export interface NewWorkspace {
  /** The name of the template. */
  readonly template: string
  /** Default: a random one, such as `box-5f0c2a9d`. */
  readonly name?: string | undefined
  /** Values of the template's parameters. Those left out keep their default. */
  readonly parameters?: Readonly<Record<string, string | number | boolean>> | undefined
  /** Milliseconds after which the workspace stops by itself. Default: the template's. */
  readonly ttlMs?: number | undefined
  /** For example `CRON_TZ=Europe/Dublin 30 9 * * 1-5`. Default: it does not start by itself. */
  readonly autostart?: string | undefined
  /** The name or ID of the user who will own it. Default: the caller. */
  readonly owner?: string | undefined
  /** The ID of the template's organization. Default: the first of the caller's. */
  readonly organization?: string | undefined
}

/** Looks the template and the organization up, and creates the workspace. */
export async function createByTemplateName(client: DerivedClient, wanted: NewWorkspace, options?: CallOptions): Promise<Workspace> {
  const { template: templatename, name = randomName(), parameters = {}, ttlMs, autostart, owner: user = 'me' } = wanted
  const organization = wanted.organization ?? (await firstOrganization(client, options))
  const template = await client.templates.getByName({ params: { organization, templatename } }, options)
  const parameter_values = Object.entries(parameters).map(([parameter, value]) => ({
    name: parameter,
    source_value: String(value),
    source_scheme: 'data' as const,
    // The template's own destination applies, whatever this says.
    destination_scheme: 'provisioner_variable' as const,
  }))
  const body = { template_id: template.id, name, ttl_ms: ttlMs, autostart_schedule: autostart, parameter_values }
  return await client.workspaces.create({ params: { organization, user }, body }, options)
}

async function firstOrganization(client: DerivedClient, options?: CallOptions): Promise<string> {
  const [organization] = await client.organizations.listOfUser({ params: { user: 'me' } }, options)
  if (organization === undefined) throw new Error("You aren't a member of any organization. Ask an administrator to add you to one.")
  return organization.id
}

const nameBytes = 4

function randomName(): string {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(nameBytes))
  return `box-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}
