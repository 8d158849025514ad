import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { extractArchive } from '../archive/extract-archive.ts'
import { ProvisionError, type Driver } from '../driver.ts'
import { ReportRefused, type Job, type JobReporter, type JobResult } from './job.ts'
import { runJobStages } from './job-stages.ts'
import { JobSession, type Clock, type Interruption } from './job-session.ts'

/** What a worker runs its jobs with. */
export interface RunJobOptions {
  readonly drivers: readonly Driver[]
  readonly reporter: JobReporter
  readonly clock: Clock
  /** How often a sign of life is sent, and so how soon a cancel is heard. The reference: 500. */
  readonly heartbeatIntervalMs: number
  /** How long a canceled job may take to end by itself. The reference: 10 minutes. */
  readonly forceCancelIntervalMs: number
  /** How long log lines are collected. Default 50, as the reference. */
  readonly logFlushIntervalMs?: number
  /** How long a job may take to end by itself once `signal` is aborted. Default 5 000, as the reference. */
  readonly shutdownGraceMs?: number
  /** An existing directory; each job has one of its own (0700) below it while it runs. */
  readonly workDirectory: string
  /** Aborted when the worker shuts down. */
  readonly signal: AbortSignal
  /** Makes the identifiers a dry run pretends to have. Default: random UUIDs. */
  readonly newId?: () => string
}

type Outcome = { readonly result: JobResult } | { readonly failure: { readonly error: string; readonly state?: Uint8Array } }

/** How long a driver told to end at once is waited for, so that the state it leaves is not lost. */
const forcedSettleMs = 1_000

/**
 * Runs one job from the queue to its end and reports it: extracts the template, runs the stages of its type, streams the log, hears of a
 * cancel, cleans up
 * (Coder v2 API, v0.13.4). Resolves to whether the job succeeded. Rejects only when there is no room to work in or when the
 * reporter does: the driver was told to end, the directory is removed, and the job is left for the server to fail.
 */
export async function runJob(job: Job, options: RunJobOptions): Promise<boolean> {
  const session = new JobSession({
    ...options,
    logFlushIntervalMs: options.logFlushIntervalMs ?? 50,
    shutdownGraceMs: options.shutdownGraceMs ?? 5_000,
  })
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
  const late = await settledWithin(work, forcedSettleMs)
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
      `the work folder could not be removed: ${error instanceof Error ? error.message : String(error)}`,
      'warn',
    )
  }
}
