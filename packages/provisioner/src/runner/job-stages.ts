import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError, type Driver, type PlanRequest, type ProvisionMetadata, type WorkspaceTransition } from '../driver.ts'
import type { Job, JobResult, TemplateVersionDryRunJob, TemplateVersionImportJob, WorkspaceBuildJob } from './job.ts'
import type { JobSession } from './job-session.ts'
import type { ParameterSchema, ParameterValue } from '../parameters.ts'
import type { Resource } from '../resources.ts'

export interface StageTools {
  readonly driver: Driver
  readonly session: JobSession
  /** Holds the extracted archive. */
  readonly directory: string
  readonly newId: () => string
}

// The stage names are part of the contract: clients group the log by them (Coder v2 API, v0.13.4).
const persistentStage = 'Detecting persistent resources'
const ephemeralStage = 'Detecting ephemeral resources'
const applyStages: Record<WorkspaceTransition, string> = {
  start: 'Starting workspace',
  stop: 'Stopping workspace',
  delete: 'Destroying workspace',
}
const maxReadmeCharacters = 1024 * 1024
const noState = new Uint8Array()

/** Runs the stages of a job's type. The message of a thrown error becomes the error of the job. */
export async function runJobStages(job: Job, tools: StageTools): Promise<JobResult> {
  switch (job.type) {
    case 'template_version_import':
      return await importTemplate(job, tools)
    case 'template_version_dry_run':
      return await dryRun(job, tools)
    default:
      return await buildWorkspace(job, tools)
  }
}

async function importTemplate(job: TemplateVersionImportJob, tools: StageTools): Promise<JobResult> {
  const { session } = tools
  await sendReadme(tools)
  await session.announce('Parsing template parameters')
  const parameter_values = await computeParameters(tools)
  const planFor = async (workspace_transition: 'start' | 'stop', stage: string): Promise<readonly Resource[]> => {
    session.signal.throwIfAborted()
    await session.announce(stage)
    const metadata = importMetadata(job.metadata.access_url, workspace_transition)
    const request = { ...session.driverRequest(tools.directory, stage), metadata, parameter_values, state: noState }
    const { resources } = await prefixed(`template import provision for ${workspace_transition}`, tools.driver.plan(request))
    return resources
  }
  const start_resources = await planFor('start', persistentStage)
  const stop_resources = await planFor('stop', ephemeralStage)
  return { type: 'template_version_import', start_resources, stop_resources }
}

async function sendReadme({ session, directory }: StageTools): Promise<void> {
  const readme = await readReadme(join(directory, 'README.md'))
  if (readme === undefined) {
    await session.announce('No README.md provided', '', 'debug')
    return
  }
  await session.announce('Adding README.md...')
  await prefixed('update job', session.update({ readme }))
}

async function readReadme(path: string): Promise<string | undefined> {
  try {
    // The database can't store NUL characters.
    return (await readFile(path, 'utf8')).slice(0, maxReadmeCharacters).replaceAll('\0', '')
  } catch {
    return undefined // missing, or a directory
  }
}

async function computeParameters({ driver, session, directory }: StageTools): Promise<readonly ParameterValue[]> {
  const { parameter_schemas } = await prefixed('run parse', driver.parse(session.driverRequest(directory, 'Parse parameters')))
  const { parameter_values = [] } = await prefixed('update job', session.update({ parameter_schemas }))
  const missing = firstMissing(parameter_schemas, parameter_values)
  if (missing !== undefined) throw new ProvisionError(`missing parameter: ${missing}`)
  return parameter_values
}

function firstMissing(schemas: readonly ParameterSchema[], values: readonly Pick<ParameterValue, 'name'>[]): string | undefined {
  const names = new Set(values.map(({ name }) => name))
  return schemas.find(({ name }) => !names.has(name))?.name
}

async function dryRun(job: TemplateVersionDryRunJob, { driver, session, directory, newId }: StageTools): Promise<JobResult> {
  const { resources } = await prefixed(
    'run dry-run provision job',
    driver.plan({
      ...session.driverRequest(directory, persistentStage),
      parameter_values: job.parameter_values,
      state: noState,
      metadata: {
        access_url: job.metadata.access_url || 'http://localhost:3000',
        workspace_transition: 'start',
        workspace_name: job.metadata.workspace_name || 'dryrun',
        workspace_id: newId(),
        workspace_owner: job.user_name || 'dryrunner',
        workspace_owner_id: newId(),
        workspace_owner_email: '',
      },
    }),
  )
  return { type: 'template_version_dry_run', resources }
}

async function buildWorkspace(job: WorkspaceBuildJob, { driver, session, directory }: StageTools): Promise<JobResult> {
  const { metadata, parameter_values, state } = job
  const requestFor = (stage: string): PlanRequest => ({ ...session.driverRequest(directory, stage), metadata, parameter_values, state })
  const planned = await prefixed('recv workspace provision', driver.plan(requestFor('Planning infrastructure')))
  if (metadata.workspace_transition !== 'delete') await commitQuota(planned.resources, session)
  session.signal.throwIfAborted()
  const stage = applyStages[metadata.workspace_transition]
  await session.announce(stage)
  const applied = await prefixed('recv workspace provision', driver.apply({ ...requestFor(stage), plan: planned.plan ?? noState }))
  return { type: 'workspace_build', resources: applied.resources, state: applied.state }
}

async function commitQuota(resources: readonly Resource[], session: JobSession): Promise<void> {
  const stage = 'Commit quota'
  const cost = resources.reduce((sum, { daily_cost }) => sum + daily_cost, 0)
  if (cost === 0) return
  const { ok, budget, credits_consumed } = await prefixed('commit quota', session.commitQuota(cost))
  await session.announce(stage, `Cost of this build: ${cost} credits a day`)
  await session.announce(stage, `Budget: ${budget === -1 ? 'unlimited' : budget}`)
  await session.announce(stage, `Credits consumed: ${credits_consumed}`)
  if (ok) return
  await session.announce(stage, 'This build would exceed the budget.', 'warn')
  throw new ProvisionError('insufficient quota')
}

function importMetadata(access_url: string, workspace_transition: WorkspaceTransition): ProvisionMetadata {
  return {
    access_url,
    workspace_transition,
    workspace_name: '',
    workspace_id: '',
    workspace_owner: '',
    workspace_owner_id: '',
    workspace_owner_email: '',
  }
}

/**
 * Prefixes unexpected errors with the name of the step. Errors that the driver reports are left
 * unchanged.
 */
async function prefixed<Value>(step: string, work: Promise<Value>): Promise<Value> {
  try {
    return await work
  } catch (error) {
    if (error instanceof ProvisionError) throw error
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`${step}: ${message}`, { cause: error })
  }
}
