import { createArchive, starterTemplates, type StarterTemplate } from '@berth/provisioner'
import type { CreateParameterRequest } from '@berth/schema'
import { ConfigError } from '../../settings/config-error.ts'
import type { Origin } from '../../http/caller.ts'
import type { FileService } from '../files/service.ts'
import type { TemplateVersionService } from '../template-versions/service.ts'
import type { TemplateService } from './service.ts'

/** Who the templates are for. */
interface FirstUser {
  readonly user_id: string
  readonly organization_id: string
  readonly origin: Origin
}

interface Dependencies {
  /** Which to import. */
  readonly ids: readonly string[]
  readonly files: FileService
  readonly versions: TemplateVersionService
  readonly templates: TemplateService
  /** The namespace of the pod that the server runs in; undefined outside of clusters. */
  readonly readPodNamespace: () => Promise<string | undefined>
}

/** A namespace for workspaces, where the server is outside of the cluster (Coder v2 API, v0.13.4, "first user"). */
const NAMESPACE_OF_WORKSPACES = 'coder-workspaces'

const schemes = { source_scheme: 'data', destination_scheme: 'provisioner_variable' } as const

/** Templates that come with Berth, so that the first workspace needs no file. */
export class StarterTemplates {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Creates the configured templates for the first user. One that cannot be created leaves the others alone, and is thrown at the end: the first
   * user exists, and is told that something went wrong (Coder v2 API, v0.13.4, "first user").
   */
  async import(first: FirstUser): Promise<void> {
    const failures: unknown[] = []
    for (const id of this.#dependencies.ids) {
      try {
        await this.#importOne(await findStarter(id), first)
      } catch (error) {
        failures.push(new Error(`the starter template ${id} could not be imported`, { cause: error }))
      }
    }
    if (failures.length > 0)
      throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'starter templates could not be imported')
  }

  async #importOne(starter: StarterTemplate, first: FirstUser): Promise<void> {
    const { files, versions, templates } = this.#dependencies
    const parameterValues = await this.#parameterValues(starter)
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
      parameterValues,
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
        parameter_values: parameterValues,
      },
    )
  }

  /** What a template has to be told of where the server runs. */
  async #parameterValues({ id }: StarterTemplate): Promise<CreateParameterRequest[]> {
    if (id !== 'kubernetes') return []
    const namespace = await this.#dependencies.readPodNamespace()
    return [
      { name: 'use_kubeconfig', source_value: String(namespace === undefined), ...schemes },
      { name: 'namespace', source_value: namespace ?? NAMESPACE_OF_WORKSPACES, ...schemes },
    ]
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
