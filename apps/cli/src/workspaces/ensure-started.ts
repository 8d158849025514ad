import type { Workspace } from '@berth/schema'
import { ApiError } from '@berth/sdk'
import type { Context } from '../context.ts'
import { CommandError } from '../failures.ts'
import { buildWorkspace, waitForBuild } from './build-workspace.ts'
import { notRunning } from './not-running.ts'

/** How to name a workspace, and what to do when it isn't running. */
export interface StartOptions {
  /** The name as the user typed it. */
  readonly words: string
  /** Starts it without a question. */
  readonly start: boolean
  /** Asks whether to start it. */
  readonly ask: boolean
}

/**
 * Returns a workspace once its start is complete. Waits for a build that is under way, and shows
 * its log.
 *
 * @throws CommandError if the workspace isn't running and isn't to be started.
 */
export async function ensureStarted(workspace: Workspace, options: StartOptions, context: Context): Promise<Workspace> {
  const { transition, job } = workspace.latest_build
  const isActive = job.completed_at === undefined
  if (transition === 'start' && isActive) {
    await waitForBuild(workspace.latest_build, context)
    return await read(workspace, context)
  }
  if (transition === 'start' && job.status === 'succeeded') return workspace
  const obstacle = transition === 'start' ? startFailed(workspace, options.words) : notRunning(workspace, options.words)
  if (transition === 'delete') throw obstacle
  await agree(obstacle, options, context)
  // A failed stop is no obstacle to a start.
  if (isActive) await waitForBuild(workspace.latest_build, context).catch(() => context.signal.throwIfAborted())
  return await start(workspace, options, context)
}

/** @throws the obstacle if nobody wants the workspace to start. */
async function agree(obstacle: CommandError, { start: isAgreed, ask }: StartOptions, { terminal }: Context): Promise<void> {
  if (isAgreed) return
  if (!ask || !terminal.prompts.available) throw obstacle
  const sentence = /[.!?]$/.test(obstacle.message) ? obstacle.message : `${obstacle.message}.`
  await terminal.prompts.confirm({ message: `${sentence} Start it?` })
}

async function start(workspace: Workspace, options: StartOptions, context: Context): Promise<Workspace> {
  try {
    await buildWorkspace(workspace, { transition: 'start' }, context)
  } catch (error) {
    if (!ApiError.is(error, 409)) throw error
    // Someone else was faster, or the schedule.
    const current = await read(workspace, context)
    if (current.latest_build.transition !== 'start') throw error
    return await ensureStarted(current, { ...options, start: false, ask: false }, context)
  }
  return await read(workspace, context)
}

async function read({ id }: Workspace, { client }: Context): Promise<Workspace> {
  return await client.workspaces.get({ params: { workspace: id } })
}

function startFailed({ latest_build: { job }, name }: Workspace, words: string): CommandError {
  return new CommandError(`The last start of ${name} failed: ${job.error ?? job.status}`, {
    help: `Try again with 'berth start ${words}'.`,
  })
}
