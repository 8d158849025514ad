import type { CreateParameterRequest, TemplateVersion } from '@berth/schema'
import { askParameters } from '../parameters/ask-parameters.ts'
import type { Context } from '../context.ts'
import { CommandError } from '../failures.ts'
import type { ParameterValues } from '../parameters/parameter-file.ts'
import { waitForJob } from '../wait-for-job.ts'
import { packTemplate } from './archive.ts'
import type { TemplateFolder } from './template-folder.ts'

/** What to import. */
export interface Import {
  readonly organization: string
  readonly folder: TemplateFolder
  /** The template of the version. Absent for a template that is created afterwards. */
  readonly template?: string
  /** Name of the version. The server chooses one if absent. */
  readonly versionName?: string
  readonly tags: Readonly<Record<string, string>>
  readonly values: ParameterValues
  readonly takeDefaults: boolean
  /** Values to send in addition to those of the file. */
  readonly inherited?: readonly CreateParameterRequest[]
}

/**
 * Uploads a template and waits for its import. If parameters have no value, asks for them and
 * imports the
 * same upload again (Coder v2 API, v0.13.4: `missing parameter`).
 */
export async function importVersion(request: Import, context: Context): Promise<TemplateVersion> {
  const { client } = context
  const { hash } = await client.files.upload({ body: await packTemplate(request.folder.path) })
  const fromFile = Object.entries(request.values).map(([name, source_value]) => parameterRequest(name, source_value))
  const inherited = (request.inherited ?? []).filter(({ name }) => request.values[name] === undefined)
  const first = await importFile({ request, file: hash, parameters: [...inherited, ...fromFile] }, context)
  if (first.job.status === 'succeeded') return first
  if (!first.job.error?.includes('missing parameter')) throw importFailure(first)

  const params = { templateversion: first.id }
  const [schemas, known] = await Promise.all([client.templateVersions.schema({ params }), client.templateVersions.parameters({ params })])
  const missing = schemas.filter(({ name }) => !known.some((parameter) => parameter.name === name))
  context.terminal.note(`The template needs values for: ${missing.map(({ name }) => name).join(', ')}.`)
  const { values, takeDefaults } = request
  const answers = await askParameters(missing, { values, takeDefaults, terminal: context.terminal })
  const second = await importFile({ request, file: hash, parameters: [...inherited, ...fromFile, ...answers] }, context)
  if (second.job.status === 'succeeded') return second
  throw importFailure(second)
}

function parameterRequest(name: string, source_value: string): CreateParameterRequest {
  return { name, source_value, source_scheme: 'data', destination_scheme: 'provisioner_variable' }
}

interface Attempt {
  readonly request: Import
  readonly file: string
  readonly parameters: readonly CreateParameterRequest[]
}

async function importFile({ request, file, parameters }: Attempt, context: Context): Promise<TemplateVersion> {
  const { client } = context
  const version = await client.templateVersions.create({
    params: { organization: request.organization },
    body: {
      storage_method: 'file',
      file_id: file,
      provisioner: request.folder.provisioner,
      tags: request.tags,
      parameter_values: uniqueByName(parameters),
      ...(request.versionName !== undefined && { name: request.versionName }),
      ...(request.template !== undefined && { template_id: request.template }),
    },
  })
  const params = { templateversion: version.id }
  const job = await waitForJob(
    {
      of: { templateVersion: version.id },
      read: async () => (await client.templateVersions.get({ params })).job,
      cancel: () => client.templateVersions.cancel({ params }),
    },
    context,
  )
  return { ...version, job }
}

/** Keeps the last value of each name. The server refuses repeated names. */
function uniqueByName(parameters: readonly CreateParameterRequest[]): CreateParameterRequest[] {
  return [...new Map(parameters.map((parameter) => [parameter.name, parameter])).values()]
}

function importFailure({ job }: TemplateVersion): CommandError {
  return new CommandError(`The template could not be imported: ${job.error ?? 'the server gave no reason.'}`)
}

/** Reads the `key=value` pairs of --provisioner-tag. */
export function readTags(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const split = pair.indexOf('=')
      if (split < 1) throw new CommandError(`--provisioner-tag takes key=value, not "${pair}".`)
      return [pair.slice(0, split), pair.slice(split + 1)]
    }),
  )
}
