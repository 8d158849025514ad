import { createArchive, starterTemplates, type StarterTemplate } from '@berth/provisioner'
import type { Logger } from 'pino'
import { ConfigError } from '../../config-error.ts'
import type { Origin } from '../../http/caller.ts'
import type { FileService } from '../files/service.ts'
import type { TemplateVersionService } from '../template-versions/service.ts'
import type { TemplateService } from './service.ts'

interface Dependencies {
  /** Which to import. */
  readonly ids: readonly string[]
  readonly files: FileService
  readonly versions: TemplateVersionService
  readonly templates: TemplateService
  readonly logger: Logger
}

/** Templates that come with Berth, so that the first workspace needs no file. */
export class StarterTemplates {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Creates the configured templates for the first user. One that cannot be created is logged and leaves the others alone. */
  async import(first: { user_id: string; organization_id: string; origin: Origin }): Promise<void> {
    for (const id of this.#dependencies.ids) {
      try {
        await this.#importOne(await findStarter(id), first)
      } catch (error) {
        this.#dependencies.logger.error({ err: error }, `the starter template ${id} could not be imported`)
      }
    }
  }

  async #importOne(starter: StarterTemplate, first: { user_id: string; organization_id: string; origin: Origin }): Promise<void> {
    const { files, versions, templates } = this.#dependencies
    const file = await files.upload(first.user_id, {
      data: Buffer.from(await createArchive(starter.directory)),
      mimetype: 'application/x-tar',
    })
    const version = await versions.insert(first, {
      organizationId: first.organization_id,
      templateId: undefined,
      fileId: file.id,
      provisioner: 'berth',
      name: undefined,
      tags: {},
      parameterValues: [],
    })
    await templates.create(
      first,
      { id: first.organization_id },
      {
        name: starter.id,
        display_name: starter.name,
        description: starter.description,
        icon: starter.icon,
        template_version_id: version,
        allow_user_cancel_workspace_jobs: true,
      },
    )
  }
}

/**
 * Checks the setting before anything is started: the first user is created once, and would miss a template that does not exist.
 *
 * @throws ConfigError
 */
export async function checkStarterTemplates(ids: readonly string[]): Promise<void> {
  for (const id of ids) await findStarter(id)
}

async function findStarter(id: string): Promise<StarterTemplate> {
  const known = await starterTemplates()
  const starter = known.find((candidate) => candidate.id === id || candidate.id === `${id}-starter`)
  if (starter !== undefined) return starter
  const names = known.map((one) => one.id).join(', ')
  throw new ConfigError(`BERTH_AUTO_IMPORT_TEMPLATES cannot be used: there is no starter template "${id}". There are: ${names}.`)
}
