import { Failure, type CreateTemplateVersionRequest, type templateVersions } from '@berth/schema'
import { NIL_UUID } from '@berth/schema/rules'
import { may } from '../../access/may.ts'
import type { Clock } from '../../clock.ts'
import type { OrganizationRow, TemplateRow } from '../../database/rows.ts'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Actor } from '../../http/caller.ts'
import type { Handlers } from '../../http/serve.ts'
import { presentComputation, presentParameterSchema } from '../parameters/present.ts'
import type { TemplateService } from '../templates/service.ts'
import type { ResourcePresenter } from '../agents/present.ts'
import { presentTemplateVersion } from './present.ts'
import type { TemplateVersionService } from './service.ts'

interface Dependencies {
  readonly service: TemplateVersionService
  readonly templates: TemplateService
  readonly resources: ResourcePresenter
  readonly clock: Clock
}

export function templateVersionRoutes<Agent>({
  service,
  templates,
  resources,
  clock,
}: Dependencies): Handlers<typeof templateVersions, FoundByPath, Agent> {
  return {
    create: async ({ actor, organization, body }) => {
      const template = await requireTemplate(templates, { actor, organization, body })
      return presentTemplateVersion(await service.create(actor, { organization, template }, body), clock.now())
    },
    get: async ({ templateversion }) => presentTemplateVersion(await service.view(templateversion.id), clock.now()),
    listOfTemplate: async ({ template, query }) => {
      const now = clock.now()
      return (await service.listOfTemplate(template, query)).map((view) => presentTemplateVersion(view, now))
    },
    getByName: async ({ templateversion }) => presentTemplateVersion(await service.view(templateversion.id), clock.now()),
    getOfOrganization: async ({ templateversion }) => presentTemplateVersion(await service.view(templateversion.id), clock.now()),
    previous: async ({ templateversion }) => presentTemplateVersion(await service.previous(templateversion), clock.now()),
    cancel: async ({ templateversion }) => {
      await service.cancel(templateversion)
      return { message: 'Job has been marked as canceled...' }
    },
    schema: async ({ templateversion }) => (await service.schemas(templateversion)).map(presentParameterSchema),
    parameters: async ({ templateversion }) => (await service.computedParameters(templateversion)).map(presentComputation),
    resources: async ({ templateversion }) => resources.presentSorted(await service.resources(templateversion)),
    logs: async ({ templateversion, query, connection }) =>
      await service.answerLogs(
        templateversion,
        query,
        async () => await connection.acceptWebSocket((socket) => socket, { compress: true }),
      ),
  }
}

/**
 * Returns the template of a new version, if it names one. Requires the permission to add to that
 * template, or otherwise to the organization.
 */
async function requireTemplate(
  templates: TemplateService,
  {
    actor,
    organization,
    body,
  }: { readonly actor: Actor; readonly organization: OrganizationRow; readonly body: CreateTemplateVersionRequest },
): Promise<TemplateRow | undefined> {
  if (body.template_id === undefined || body.template_id === NIL_UUID) {
    if (may(actor.permissions, 'create', { type: 'template', organization_id: organization.id })) return undefined
    throw new Failure('not_found')
  }
  const template = await templates.find(body.template_id)
  if (template === undefined) throw new Failure('not_found', { message: 'Template does not exist.' })
  if (!may(actor.permissions, 'create', { type: 'template', ...template })) throw new Failure('not_found')
  return template
}
