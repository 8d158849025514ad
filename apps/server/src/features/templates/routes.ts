import type { Template, templates } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import { Answer } from '../../http/answer.ts'
import type { Handlers } from '../../http/serve.ts'
import type { TemplateExamples } from '../template-versions/service.ts'
import { presentAccessList, presentDailyActiveUsers, presentTemplate } from './present.ts'
import type { TemplateService, TemplateView } from './service.ts'
import type { TemplateAccess } from './template-access.ts'

export function templateRoutes<Agent>(
  service: TemplateService,
  access: TemplateAccess,
  examples: TemplateExamples,
): Handlers<typeof templates, FoundByPath, Agent> {
  const present = (row: TemplateView): Template => presentTemplate(row, service.use(row.id))
  return {
    create: async ({ actor, organization, body }) => present(await service.create(actor, organization, body)),
    list: async ({ actor, organization }) => (await service.list(actor, organization)).map(present),
    examples: async () => await examples.list(),
    update: async ({ actor, template, body }) => {
      const changed = await service.update(actor, template, body)
      return changed === undefined ? new Answer(undefined, { status: 304 }) : present(changed)
    },
    dailyActiveUsers: async ({ template }) => presentDailyActiveUsers(service.use(template.id)),
    accessList: async ({ template }) => presentAccessList(await access.list(template)),
    updateAccessList: async ({ actor, template, body }) => {
      await access.update(actor, template, body)
      return { message: 'Successfully updated template ACL list.' }
    },
    getByName: async ({ template }) => present(await service.view(template)),
    get: async ({ template }) => present(await service.view(template)),
    delete: async ({ actor, template }) => {
      await service.delete(actor, template)
      return { message: 'Template has been deleted!' }
    },
    updateActiveVersion: async ({ actor, template, body }) => {
      await service.setActiveVersion(actor, template, body.id)
      return { message: 'Updated the active template version!' }
    },
  }
}
