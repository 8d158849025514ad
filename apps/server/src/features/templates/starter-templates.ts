import { createArchive, starterTemplates, type StarterTemplate } from '@berth/provisioner'
import type { CreateParameterRequest } from '@berth/schema'
import { ConfigError } from '../../settings/config-error.ts'
import type { Origin } from '../../http/caller.ts'
import type { FileService } from '../files/service.ts'
import type { TemplateVersionService } from '../template-versions/service.ts'
import type { TemplateService } from './service.ts'

interface FirstUser {
  readonly user_id: string
  readonly organization_id: string
  readonly origin: Origin
}

interface Dependencies {
  /** The templates to import. */
  readonly ids: readonly string[]
  readonly files: FileService
  readonly versions: TemplateVersionService
  readonly templates: TemplateService
  /** Returns the namespace of the server's pod; undefined outside a cluster. */
  readonly readPodNamespace: () => Promise<string | undefined>
}

/**
 * The namespace for workspaces if the server is outside the cluster (Coder v2 API, v0.13.4, "first
 * user").
 */
const NAMESPACE_OF_WORKSPACES = 'coder-workspaces'

const schemes = { source_scheme: 'data', destination_scheme: 'provisioner_variable' } as const

/** Imports templates that come with Berth, so that the first workspace needs no upload. */
export class StarterTemplates {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /**
   * Creates the configured templates for the first user. A failure doesn't stop the others and is
   * thrown at the end: the first user exists, and learns that something went wrong (Coder v2 API,
   * v0.13.4, "first user").
   */
  async import(first: FirstUser): Promise<void> {
    const failures: unknown[] = []
    for (const id of this.#dependencies.ids) {
      try {
        await this.#importOne(await findStarter(id), first)
      } catch (error) {
        failures.push(new Error(`could not import the starter template ${id}`, { cause: error }))
      }
    }
    if (failures.length > 0)
      throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'could not import the starter templates')
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

  /** Returns the values that depend on where the server runs. */
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
 * Checks the setting when the server starts. Later would be too late: the first user is created
 * only once, and would miss a template that doesn't exist.
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
  throw new ConfigError(`BERTH_AUTO_IMPORT_TEMPLATES names "${id}", which isn't a starter template. The starter templates are: ${names}.`)
}
