import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { extractArchive } from '../archive/extract-archive.ts'
import { ProvisionError, type Driver } from '../driver.ts'
import { ReportRefused, type Job, type JobReporter, type JobResult } from './job.ts'
import { runJobStages } from './job-stages.ts'
import { JobSession, type Interruption, type JobSessionOptions } from './job-session.ts'

/** The dependencies of {@link runJob}, and its time limits. */
export interface RunJobOptions extends JobSessionOptions {
  readonly drivers: readonly Driver[]
  /** An existing directory. Each running job has a directory of its own (0700) in it. */
  readonly workDirectory: string
  /** Makes the IDs of the workspace and the owner in a dry run. Default: random UUIDs. */
  readonly newId?: () => string
}

type Outcome = { readonly result: JobResult } | { readonly failure: { readonly error: string; readonly state?: Uint8Array } }

/** How long a driver that was told to end at once may still take to return its state. */
const forcedEndGraceMs = 1_000

/**
 * Runs a job from the queue and reports how it ended: extracts the template, runs the stages of the
 * job's type, streams the log, obeys a cancel and cleans up (Coder v2 API, v0.13.4). Resolves to
 * whether the job succeeded. Rejects if the job's directory can't be created, or if the reporter
 * rejects: then the driver is told to end, the directory is removed, and the server has to fail the
 * job.
 */
export async function runJob(job: Job, options: RunJobOptions): Promise<boolean> {
  const session = new JobSession(options)
  const directory = await mkdtemp(join(options.workDirectory, 'job-'))
  session.start()
  await session.announce('Setting up')
  const work = toOutcome(setUpAndRun(job, { options, session, directory }))
  let outcome = await Promise.race([work, session.interruption])
  if (!('result' in outcome) && !('failure' in outcome)) outcome = await forceOutcome(outcome, { session, work })
  await session.announce('Cleaning Up')
  await removeFolder(directory, session)
  await session.end()
  const interruption = session.interruptedBy
  if (interruption !== undefined && 'abandoned' in interruption) {
    session.force('the job was given up')
    throw interruption.abandoned
  }
  return await report(outcome, options.reporter)
}

interface Work {
  readonly options: RunJobOptions
  readonly session: JobSession
  readonly directory: string
}

async function setUpAndRun(job: Job, { options, session, directory }: Work): Promise<JobResult> {
  const driver = options.drivers.find(({ type }) => type === job.provisioner)
  if (driver === undefined) throw new ProvisionError(`no provisioner ${job.provisioner}`)
  await extractArchive(job.archive, directory)
  session.signal.throwIfAborted()
  return await runJobStages(job, { driver, session, directory, newId: options.newId ?? randomUUID })
}

async function toOutcome(work: Promise<JobResult>): Promise<Outcome> {
  try {
    return { result: await work }
  } catch (error) {
    const state = error instanceof ProvisionError ? error.state : undefined
    return { failure: { error: error instanceof Error ? error.message : String(error), ...(state && { state }) } }
  }
}

async function forceOutcome(
  interruption: Interruption,
  { session, work }: { readonly session: JobSession; readonly work: Promise<Outcome> },
): Promise<Outcome> {
  const error = 'error' in interruption ? interruption.error : 'the job was given up'
  session.force(error)
  const late = await settledWithin(work, forcedEndGraceMs)
  const state = late === undefined ? undefined : stateOf(late)
  return { failure: { error, ...(state && { state }) } }
}

async function settledWithin<Value>(work: Promise<Value>, timeoutMs: number): Promise<Value | undefined> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs)
  })
  return await Promise.race([work, timeout]).finally(() => clearTimeout(timer))
}

async function report(outcome: Outcome, reporter: JobReporter): Promise<boolean> {
  if ('failure' in outcome) {
    await reporter.fail(outcome.failure)
    return false
  }
  try {
    await reporter.complete(outcome.result)
    return true
  } catch (error) {
    if (!(error instanceof ReportRefused)) throw error
    const state = stateOf(outcome)
    await reporter.fail({ error: `complete job: ${error.message}`, ...(state && { state }) })
    return false
  }
}

function stateOf(outcome: Outcome): Uint8Array | undefined {
  if ('failure' in outcome) return outcome.failure.state
  return outcome.result.type === 'workspace_build' ? outcome.result.state : undefined
}

async function removeFolder(path: string, session: JobSession): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 5 })
  } catch (error) {
    await session.announce(
      'Cleaning Up',
      `Could not remove the job's directory: ${error instanceof Error ? error.message : String(error)}`,
      'warn',
    )
  }
}
