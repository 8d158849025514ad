import { Failure, api } from '@berth/schema'
import { WireValueError, parseBool } from '@berth/schema/rules'
import type { AgentService } from '../features/agents/service.ts'
import type { BuildService } from '../features/builds/service.ts'
import type { FileService } from '../features/files/service.ts'
import type { GroupService } from '../features/groups/service.ts'
import type { OrganizationService } from '../features/organizations/service.ts'
import type { DryRunService } from '../features/template-versions/dry-run-service.ts'
import type { TemplateVersionService } from '../features/template-versions/service.ts'
import type { TemplateService } from '../features/templates/service.ts'
import type { UserService } from '../features/users/service.ts'
import type { WorkspaceService } from '../features/workspaces/service.ts'
import type { Actor } from '../http/caller.ts'
import type { FindContext } from '../http/serve.ts'
import type { FoundBefore, FoundByPath } from './found-by-path.ts'
import { mayReadTemplate } from './policy.ts'
import { readScope, type ParameterScope } from './spellings.ts'

/** The services that look up what paths name. */
export interface FinderServices {
  readonly users: UserService
  readonly organizations: OrganizationService
  readonly groups: GroupService
  readonly files: FileService
  readonly templates: TemplateService
  readonly versions: TemplateVersionService
  readonly dryRuns: DryRunService
  readonly workspaces: WorkspaceService
  readonly builds: BuildService
  readonly agents: AgentService
}

interface Context<Name extends keyof FoundByPath> extends Omit<FindContext, 'found'> {
  readonly found: FoundBefore<Name>
}

/**
 * One finder for each path parameter that names a resource. A finder throws a failure when the
 * resource doesn't exist.
 */
export type Finders = {
  readonly [Name in keyof FoundByPath]: (text: string, context: Context<Name>) => Promise<FoundByPath[Name]>
}

/** Returns the finders that look things up in these services. */
export function createFinders(services: FinderServices): Finders {
  const { users, organizations, groups, files, templates, versions, dryRuns, workspaces, builds, agents } = services
  return {
    organization: async (id) => ({ organization: await organizations.get(id) }),
    organizationname: async (name) => ({ organization: await organizations.getByName(name) }),
    user: async (text, { actor, found: { organization } }) => {
      const user = await users.resolve(text, actor)
      if (organization !== undefined) await organizations.requireMember(organization.id, user.id)
      return { user }
    },
    group: async (id) => ({ group: await groups.get(id) }),
    groupname: async (name, { found }) => ({ group: await groups.getByName(found.organization.id, name) }),
    file: async (id) => ({ file: await files.get(id) }),
    template: async (id) => ({ template: await templates.get(id) }),
    templatename: async (name, { found }) => ({ template: await templates.getByName(found.organization.id, name) }),
    templateversion: async (id) => {
      const templateversion = await versions.get(id)
      return { templateversion, template: await templateOf(services, templateversion) }
    },
    templateversionname: async (name, { actor, found }) => await findVersionByName(services, name, { actor, ...found }),
    parameterscope: async (text) => ({ scope: readScope(text) }),
    scoped: async (id, { found }) => await findValueOwner(services, found.scope, id),
    dryrun: async (id) => ({ dryrun: await dryRuns.get(id) }),
    workspace: async (id, { spec }) => {
      if (spec !== api.workspaces.get) return { workspace: await workspaces.get(id) }
      // The view holds everything that the access check reads, so one statement serves both.
      const workspaceView = await workspaces.view(id)
      return { workspace: workspaceView, workspaceView }
    },
    workspacename: async (name, { found, query }) => ({
      workspace: await workspaces.getByName(found.user, name, { includeDeleted: includesDeleted(query) }),
    }),
    workspacebuild: async (id) => {
      const workspacebuild = await builds.get(id)
      return { workspacebuild, workspace: await workspaces.get(workspacebuild.workspace_id) }
    },
    workspaceagent: async (id) => await agents.get(id),
  }
}

async function templateOf(
  { templates }: Pick<FinderServices, 'templates'>,
  { template_id }: { readonly template_id: string | null },
): Promise<FoundByPath['templateversion']['template']> {
  return template_id === null ? undefined : await templates.find(template_id)
}

/**
 * Returns the template's version of this name. Without a template, returns the organization's
 * newest version of this name that the caller may read.
 */
async function findVersionByName(
  services: Pick<FinderServices, 'versions' | 'templates'>,
  name: string,
  { actor, template: parent, organization }: { readonly actor: Actor | undefined } & FoundBefore<'templateversionname'>,
): Promise<FoundByPath['templateversionname']> {
  const { versions } = services
  if (parent !== undefined)
    return { templateversion: await versions.getByName(parent.id, name, { isNameTold: mayReadTemplate(actor, parent) }), template: parent }
  for (const templateversion of await versions.listByName(organization?.id ?? '', name)) {
    const template = await templateOf(services, templateversion)
    if (mayReadTemplate(actor, template)) return { templateversion, template }
  }
  throw new Failure('not_found')
}

async function findValueOwner(
  services: Pick<FinderServices, 'workspaces' | 'templates' | 'versions'>,
  scope: ParameterScope,
  id: string,
): Promise<FoundByPath['scoped']> {
  const ownerOf = (resource_type: string, row: { id: string; name: string; organization_id: string }): FoundByPath['scoped']['owner'] => ({
    scope,
    id,
    audited: { resource_type, resource_id: row.id, resource_target: row.name, organization_id: row.organization_id },
  })
  if (scope === 'workspace') {
    const workspace = await services.workspaces.get(id)
    return { owner: ownerOf('workspace', workspace), workspace }
  }
  if (scope === 'template') {
    const template = await services.templates.get(id)
    return { owner: ownerOf('template', template), template }
  }
  const templateversion = await services.versions.findByJob(id)
  if (templateversion === undefined) throw new Failure('not_found')
  return { owner: ownerOf('template_version', templateversion), templateversion, template: await templateOf(services, templateversion) }
}

/**
 * Read before the workspace is looked up, because it decides which one is found
 * (Coder v2 API, v0.13.4).
 */
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
