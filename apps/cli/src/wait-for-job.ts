import { followLogs } from '@berth/sdk'
import type { ProvisionerJob, ProvisionerJobLog } from '@berth/schema'
import type { Context } from './context.ts'
import { Canceled, CommandError, messageOf } from './failures.ts'
import { createProgress, type Progress } from './terminal/progress.ts'

/** A provisioner job to wait for: of a build, or of the import of a template version. */
export interface WatchedJob {
  /** Whose log to follow. */
  readonly of: { readonly build: string } | { readonly templateVersion: string }
  /** Reads the current state of the job. */
  readonly read: () => Promise<ProvisionerJob>
  /** Yields whenever the job may have changed. Without it, the job is read every second. */
  readonly changes?: (signal: AbortSignal) => AsyncIterable<unknown>
  /** Asks the server to cancel, on Ctrl-C. Without it, Ctrl-C only stops waiting. */
  readonly cancel?: () => Promise<unknown>
  /** Printed when waiting stops while the job continues. */
  readonly leftRunning?: string
}

const pollMs = 1000
/** How long to wait for the end of the log once the job is complete. */
const logGraceMs = 2 * pollMs
/** How often to read the job once its log has ended. */
const completionPollMs = 200
/** How long a job can stay incomplete after the end of its log before that is an error. */
const completionGraceMs = 60_000

/**
 * Waits until a job is complete, and shows its stages and log lines (Coder v2 API, v0.13.4: job
 * wait).
 *
 * @returns the job, succeeded or failed.
 * @throws Canceled if the job was canceled, or the user stopped waiting.
 */
export async function waitForJob(job: WatchedJob, context: Context): Promise<ProvisionerJob> {
  const progress = createProgress(context)
  const watching = new AbortController()
  let isInterrupted = false
  const onInterrupt = (): void => {
    if (job.cancel === undefined || isInterrupted) {
      watching.abort(new Canceled())
      return
    }
    isInterrupted = true
    progress.line('Canceling …')
    // The state of the job shows whether canceling worked.
    job.cancel().catch(() => undefined)
  }
  return context.interceptInterrupt(onInterrupt, async () => {
    try {
      const finished = await follow(job, { context, progress, signal: watching.signal })
      const outcome = finished.status === 'succeeded' ? 'done' : finished.status === 'canceled' ? 'canceled' : 'failed'
      progress.finish(outcome, finished.completed_at === undefined ? undefined : new Date(finished.completed_at))
      if (finished.status === 'canceled') throw new Canceled()
      return finished
    } catch (error) {
      progress.finish('canceled')
      if (watching.signal.aborted && job.leftRunning !== undefined) context.terminal.note(job.leftRunning)
      throw error
    } finally {
      watching.abort(new Canceled())
    }
  })
}

/**
 * Waits like {@link waitForJob}.
 *
 * @throws CommandError with the job's error if the job failed.
 */
export async function waitForSuccess(job: WatchedJob, context: Context): Promise<ProvisionerJob> {
  const finished = await waitForJob(job, context)
  if (finished.status !== 'succeeded') throw new CommandError(finished.error ?? 'The job failed without giving a reason.')
  return finished
}

interface Following {
  readonly context: Context
  readonly progress: Progress
  readonly signal: AbortSignal
}

async function follow(job: WatchedJob, { context, progress, signal }: Following): Promise<ProvisionerJob> {
  const first = await job.read()
  progress.step('Queued', new Date(first.created_at))
  const stages = new Stages(progress)
  if (first.started_at !== undefined) stages.running(new Date(first.started_at))
  const done = new AbortController()
  const both = AbortSignal.any([signal, done.signal])
  try {
    // The log is faster and more detailed. The other way covers a job that logs nothing, and a log
    // that never ends.
    const completed = readUntilComplete(job, { context, stages, signal: both })
    const followed = followStages(job, { context, stages, signal: both }).then(
      () => pollAfterLog(job, { context, stages, signal: both }),
      (error: unknown) => {
        both.throwIfAborted()
        // Behind a proxy that blocks WebSockets, the job itself still shows how it ends.
        progress.line(`Can't follow the log: ${messageOf(error)}`)
        return completed
      },
    )
    return await Promise.race([completed, followed])
  } finally {
    done.abort(new Canceled())
  }
}

interface Watching {
  readonly context: Context
  readonly stages: Stages
  readonly signal: AbortSignal
}

async function followStages(job: WatchedJob, { context, stages, signal }: Watching): Promise<void> {
  for await (const log of followLogs(context.client, job.of, { signal })) stages.log(log)
}

async function readUntilComplete(job: WatchedJob, { context, stages, signal }: Watching): Promise<ProvisionerJob> {
  for await (const _ of mayHaveChanged(job, context, signal)) {
    const current = await job.read()
    if (current.started_at !== undefined) stages.running(new Date(current.started_at))
    if (current.completed_at === undefined) continue
    // The last lines of the log may still arrive.
    await context.clock.sleep(logGraceMs, signal)
    return current
  }
  throw new Error('The changes of the job ended.')
}

async function* mayHaveChanged(job: WatchedJob, { clock }: Context, signal: AbortSignal): AsyncGenerator<unknown, void, void> {
  try {
    if (job.changes !== undefined) yield* job.changes(signal)
  } catch {
    // What can't be watched is read from time to time.
    signal.throwIfAborted()
  }
  for (;;) {
    await clock.sleep(pollMs, signal)
    yield undefined
  }
}

async function pollAfterLog(job: WatchedJob, { context, signal }: Watching): Promise<ProvisionerJob> {
  const logEndedAt = context.clock.now().getTime()
  for (;;) {
    const current = await job.read()
    if (isComplete(current)) return current
    if (context.clock.now().getTime() - logEndedAt > completionGraceMs) {
      throw new CommandError('The log of the job ended, but the job is still not complete.', {
        help: 'Try again in a minute, or ask your administrator.',
      })
    }
    await context.clock.sleep(completionPollMs, signal)
  }
}

function isComplete({ status, completed_at }: ProvisionerJob): boolean {
  return completed_at !== undefined || status === 'failed'
}

/** Turns log entries into progress steps. */
class Stages {
  readonly #progress: Progress
  #isRunning = false
  #stage: string | undefined

  constructor(progress: Progress) {
    this.#progress = progress
  }

  running(at: Date): void {
    if (this.#isRunning) return
    this.#isRunning = true
    this.#progress.step('Running', at)
  }

  log({ stage, created_at, output, log_level }: ProvisionerJobLog): void {
    this.running(new Date(created_at))
    if (stage !== '' && stage !== this.#stage) {
      this.#stage = stage
      this.#progress.step(stage, new Date(created_at))
    }
    // The first entry of a stage has no output.
    if (output !== '' && log_level !== 'debug' && log_level !== 'trace') this.#progress.line(output)
  }
}
