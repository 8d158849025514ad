import type { IncomingMessage } from 'node:http'
import { Failure, api, parameterScopes, type Access, type EndpointSpec, type ResourceType } from '@berth/schema'
import { WireValueError, parseBool, parseInt32Text, parseUuid } from '@berth/schema/rules'
import { may, type AccessList, type AccessObject } from './access/may.ts'
import type { Clock } from './clock.ts'
import type { AgentService } from './features/agents/service.ts'
import { failedWriteRecorder } from './features/audit/failed-writes.ts'
import type { AuditService } from './features/audit/service.ts'
import type { BuildService } from './features/builds/service.ts'
import type { FileService } from './features/files/service.ts'
import type { GroupService } from './features/groups/service.ts'
import type { OrganizationService } from './features/organizations/service.ts'
import type { SessionService } from './features/sessions/service.ts'
import type { DryRunService } from './features/template-versions/dry-run-service.ts'
import type { TemplateVersionService } from './features/template-versions/service.ts'
import type { TemplateService } from './features/templates/service.ts'
import type { UserService } from './features/users/service.ts'
import type { WorkspaceService } from './features/workspaces/service.ts'
import type { AgentRow, OrganizationRow, TemplateRow, UserRow, WorkspaceRow } from './database/rows.ts'
import type { FoundByPath } from './gate/found-by-path.ts'
import type { Actor } from './http/caller.ts'
import type { RateLimited } from './http/identify.ts'
import { RateLimiter, addressKey } from './http/rate-limit.ts'
import type { Gate } from './http/serve.ts'

interface Dependencies {
  readonly sessions: SessionService
  readonly users: UserService
  readonly organizations: OrganizationService
  readonly groups: GroupService
  readonly audit: AuditService
  readonly files: FileService
  readonly templates: TemplateService
  readonly versions: TemplateVersionService
  readonly dryRuns: DryRunService
  readonly workspaces: WorkspaceService
  readonly builds: BuildService
  readonly agents: AgentService
  readonly clock: Clock
  /** Requests a minute for one caller on one path; negative: no limit. */
  readonly apiRateLimit: number
}

type Rows = Readonly<Record<string, unknown>>

/** Who is at the door, what they came for, and whether they may: what every request passes before its handler. */
export function createGate(dependencies: Dependencies): Gate<FoundByPath, AgentRow> {
  const { sessions, users, organizations, files, templates, versions, dryRuns, workspaces, builds, agents } = dependencies
  return {
    identify: async (token, origin) => await sessions.identify(token, origin),
    identifyAgent: async (token) => await agents.identify(token),
    spell: {
      ...Object.fromEntries(
        ['organization', 'file', 'template', 'templateversion', 'dryrun', 'group', 'workspace', 'workspacebuild', 'workspaceagent'].map(
          (name) => [name, uuidOf(name)],
        ),
      ),
      user: namedUser,
      buildnumber: buildNumber,
      parameterscope: parameterScope,
      scoped: scopedId,
    },
    find: {
      organization: async (id) => ({ organization: await organizations.get(id) }),
      organizationname: async (name) => ({ organization: await organizations.getByName(name) }),
      user: async (text, { spec, actor, found }) => {
        const user = await users.resolve(text, actor)
        const { organization } = found as { organization?: OrganizationRow }
        if (organization !== undefined) await organizations.requireMember(organization.id, user.id)
        refuseOwnRoles(spec, { user, actor })
        return { user }
      },
      file: async (id) => ({ file: await files.get(id) }),
      template: async (id) => ({ template: await templates.get(id) }),
      templatename: async (name, { found }) => ({
        template: await templates.getByName((found as { organization: OrganizationRow }).organization.id, name),
      }),
      templateversion: async (id) => {
        const templateversion = await versions.get(id)
        const { template_id } = templateversion
        return { templateversion, template: template_id === null ? undefined : await templates.find(template_id) }
      },
      templateversionname: async (name, { actor, found }) => await findVersionByName(dependencies, name, { actor, ...found }),
      parameterscope: async (scope) => ({ scope: scope as ParameterScope }), // spelled above
      scoped: async (id, { found }) => await findValueOwner(dependencies, (found as { scope: ParameterScope }).scope, id),
      dryrun: async (id) => ({ dryrun: await dryRuns.get(id) }),
      workspace: async (id, { spec }) => {
        if (spec !== api.workspaces.get) return { workspace: await workspaces.get(id) }
        // What is shown is also all that access asks about: one statement for both.
        const workspaceView = await workspaces.view(id)
        return { workspace: workspaceView, workspaceView }
      },
      workspacename: async (name, { found, query }) => ({
        workspace: await workspaces.getByName((found as { user: UserRow }).user, name, { includeDeleted: includesDeleted(query) }),
      }),
      workspacebuild: async (id) => {
        const workspacebuild = await builds.get(id)
        return { workspacebuild, workspace: await workspaces.get(workspacebuild.workspace_id) }
      },
      workspaceagent: async (id) => await agents.get(id),
      group: async (id) => ({ group: await dependencies.groups.get(id) }),
      groupname: async (name, { found }) => ({
        group: await dependencies.groups.getByName((found as { organization: OrganizationRow }).organization.id, name),
      }),
    },
    admits: (access, found, actor) => may(actor.permissions, access.action, accessObject(access, found, actor)),
    limit: requestLimiter(dependencies),
    refused: failedWriteRecorder(dependencies.audit),
  }
}

/** Nobody changes their own roles, whatever they may do and whatever they send (Coder v2 API, v0.13.4, "roles"). */
function refuseOwnRoles(spec: EndpointSpec, { user, actor }: { readonly user: UserRow; readonly actor: Actor | undefined }): void {
  if (actor === undefined || user.id !== actor.user_id) return
  if (spec === api.users.updateRoles) throw new Failure('invalid_roles', { message: 'You cannot change your own roles.' })
  if (spec === api.roles.updateMember) throw new Failure('invalid_roles', { message: 'You cannot change your own organization roles.' })
}

/** Of versions that several templates call the same, the newest that the caller may read. */
async function findVersionByName(
  { versions, templates }: Pick<Dependencies, 'versions' | 'templates'>,
  name: string,
  { actor, template: parent, organization }: { actor: Actor | undefined; template?: TemplateRow; organization?: OrganizationRow },
): Promise<FoundByPath['templateversion']> {
  if (parent !== undefined) {
    const isReadable = actor !== undefined && may(actor.permissions, 'read', templateObject(parent))
    return { templateversion: await versions.getByName(parent.id, name, { isNameTold: isReadable }), template: parent }
  }
  for (const templateversion of await versions.listByName(organization?.id ?? '', name)) {
    const { template_id } = templateversion
    const template = template_id === null ? undefined : await templates.find(template_id)
    const object = template === undefined ? ({ type: 'template' } as const) : templateObject(template)
    if (actor !== undefined && may(actor.permissions, 'read', object)) return { templateversion, template }
  }
  throw new Failure('not_found')
}

type ParameterScope = (typeof parameterScopes)[number]

function parameterScope(text: string): string {
  if (parameterScopes.some((scope) => scope === text)) return text
  throw new Failure('validation_failed', {
    message: `There is no parameter scope ${JSON.stringify(text)}.`,
    validations: [{ field: 'scope', detail: `Must be one of ${parameterScopes.join(', ')}` }],
  })
}

function scopedId(text: string): string {
  try {
    return parseUuid(text)
  } catch (error) {
    if (!(error instanceof WireValueError)) throw error
    const validations = [{ field: 'id', detail: error.message }]
    throw new Failure('invalid_uuid', { message: `Invalid UUID ${JSON.stringify(text)}.`, validations, cause: error })
  }
}

/** What a parameter value is given to, with the rows that decide who may. */
async function findValueOwner(
  { workspaces, templates, versions }: Pick<Dependencies, 'workspaces' | 'templates' | 'versions'>,
  scope: ParameterScope,
  id: string,
): Promise<FoundByPath['scoped']> {
  const ownerOf = (resource_type: string, row: { id: string; name: string; organization_id: string }): FoundByPath['scoped']['owner'] => ({
    scope,
    id,
    audited: { resource_type, resource_id: row.id, resource_target: row.name, organization_id: row.organization_id },
  })
  if (scope === 'workspace') {
    const workspace = await workspaces.get(id)
    return { owner: ownerOf('workspace', workspace), workspace }
  }
  if (scope === 'template') {
    const template = await templates.get(id)
    return { owner: ownerOf('template', template), template }
  }
  const templateversion = await versions.findByJob(id)
  if (templateversion === undefined) throw new Failure('not_found')
  const { template_id } = templateversion
  const template = template_id === null ? undefined : await templates.find(template_id)
  return { owner: ownerOf('template_version', templateversion), templateversion, template }
}

function templateObject({ organization_id, user_acl, group_acl }: TemplateRow): AccessObject {
  return { type: 'template', organization_id, user_acl: user_acl as AccessList, group_acl: group_acl as AccessList }
}

function uuidOf(name: string): (text: string) => string {
  return (text) => {
    try {
      return parseUuid(text)
    } catch (error) {
      if (!(error instanceof WireValueError)) throw error
      throw new Failure('invalid_uuid', { message: `Invalid UUID ${JSON.stringify(name)}.`, detail: error.message, cause: error })
    }
  }
}

/** Who it is, is looked up later; nobody is called nothing. */
function namedUser(text: string): string {
  if (text === '') throw new Failure('invalid_user')
  return text
}

function buildNumber(text: string): string {
  try {
    return String(parseInt32Text(text))
  } catch (error) {
    if (!(error instanceof WireValueError)) throw error
    throw new Failure('invalid_build_number', { detail: error.message, cause: error })
  }
}

/** Where an endpoint knows it, it is read before the workspace is looked up, since it decides which one is found (Coder v2 API, v0.13.4). */
function includesDeleted(query: URLSearchParams): boolean {
  const text = query.get('include_deleted') ?? ''
  if (text === '') return false
  try {
    return parseBool(text)
  } catch (error) {
    if (!(error instanceof WireValueError)) throw error
    throw new Failure('invalid_query', { validations: [{ field: 'include_deleted', detail: error.message }], cause: error })
  }
}

interface Organized {
  readonly organization_id: string
  readonly owner_id?: string
  readonly user_acl?: unknown
  readonly group_acl?: unknown
}

function organized(row: unknown): Partial<Organized> {
  return row ?? {}
}

/** What a permission is asked for: the thing that the path names, or the place where a new one is to be made. */
function accessObject({ resource }: Exclude<Access, string>, found: Rows, actor: Actor): AccessObject {
  const { id: userId } = (found['user'] ?? {}) as { id?: string }
  const { id: organizationId } = (found['organization'] ?? {}) as { id?: string }
  const object = (fields: Omit<AccessObject, 'type'>): AccessObject => ({ type: resource satisfies ResourceType, ...fields })
  switch (resource) {
    case 'workspace':
    case 'workspace_execution':
    case 'application_connect': {
      const { organization_id = organizationId ?? null, owner_id = userId ?? null } = organized(found['workspace'])
      return object({ organization_id, owner_id })
    }
    case 'template': {
      // Parameter values are of a template or of a workspace; of a workspace it is the same action on that.
      if ('owner' in found && 'workspace' in found)
        return { type: 'workspace', ...(found['workspace'] as Pick<WorkspaceRow, 'organization_id' | 'owner_id'>) }
      const { organization_id, user_acl, group_acl } = organized(found['template'])
      // A version without a template is nobody's: only roles for the whole site reach it.
      if (organization_id === undefined) return object({ organization_id: 'templateversion' in found ? null : (organizationId ?? null) })
      return object({ organization_id, user_acl: user_acl as AccessList, group_acl: group_acl as AccessList })
    }
    case 'file':
      return object({ owner_id: ((found['file'] ?? {}) as { created_by?: string }).created_by ?? actor.user_id })
    case 'api_key':
      return object({ owner_id: userId ?? actor.user_id })
    case 'user_data':
      return object({ owner_id: userId ?? null })
    case 'group':
      return object({ organization_id: organized(found['group']).organization_id ?? organizationId ?? null })
    case 'organization':
    case 'organization_member':
    case 'assign_org_role':
      return object({ organization_id: organizationId ?? null })
    default:
      return object({})
  }
}

const MINUTE_MS = 60_000

function requestLimiter({ clock, apiRateLimit }: Dependencies): (request: RateLimited) => void {
  const general = apiRateLimit < 0 ? undefined : new RateLimiter({ limit: apiRateLimit, windowMs: MINUTE_MS, clock })
  const special = new Map<number, RateLimiter>()
  const specialLimiter = (limit: number): RateLimiter => {
    const limiter = special.get(limit) ?? new RateLimiter({ limit, windowMs: MINUTE_MS, clock })
    special.set(limit, limiter)
    return limiter
  }
  return (request) => {
    if (general === undefined || bypasses(request)) return
    const { spec, path, actor, origin, response } = request
    const key = `${actor?.user_id ?? addressKey(origin.ip)}:${path}`
    // A limit of an endpoint for people counts those who are let in; who is not is counted like anywhere.
    const isCounted = spec?.access === 'anyone' || actor !== undefined
    const limiters = spec?.requestsPerMinute === undefined || !isCounted ? [general] : [general, specialLimiter(spec.requestsPerMinute)]
    for (const limiter of limiters) {
      const { allowed, limit, remaining, resetAtSeconds } = limiter.check(key)
      response.setHeader('X-RateLimit-Limit', limit)
      response.setHeader('X-RateLimit-Remaining', remaining)
      response.setHeader('X-RateLimit-Reset', resetAtSeconds)
      if (allowed) continue
      response.setHeader('Retry-After', MINUTE_MS / 1000)
      throw new Failure('rate_limited', {
        message: `You've been rate limited for sending more than ${limit} requests in 1m0s.`,
      })
    }
  }
}

/** Owners may ask for no limit; others who do are refused (Coder v2 API, v0.13.4). */
function bypasses({ request, actor }: { readonly request: IncomingMessage; readonly actor: Actor | undefined }): boolean {
  const header = request.headers['x-coder-bypass-ratelimit']
  if (typeof header !== 'string' || actor === undefined) return false
  try {
    if (!parseBool(header)) return false
  } catch {
    return false
  }
  if (!actor.permissions.roles.includes('owner')) throw new Failure('bypass_forbidden')
  return true
}
