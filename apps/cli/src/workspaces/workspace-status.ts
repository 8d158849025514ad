import type { Workspace, WorkspaceStatus } from '@berth/schema'
import { describeDuration } from '../durations.ts'

/** Statuses as lists show them (Coder v2 API, v0.13.4: CLI). */
const words: Readonly<Record<WorkspaceStatus, string>> = {
  pending: 'Queued',
  starting: 'Starting',
  running: 'Started',
  stopping: 'Stopping',
  stopped: 'Stopped',
  failed: 'Failed',
  canceling: 'Canceling…',
  canceled: 'Canceled',
  deleting: 'Deleting',
  deleted: 'Deleted',
}

/** Ages below this are `just now`. */
const justNowMs = 5000

/** Describes the status of a workspace in a word. */
export function describeStatus({ latest_build }: Workspace): string {
  return words[latest_build.status]
}

/** Describes how long ago something happened: `3m ago`, `just now`. */
export function describeAge(time: string, now: Date): string {
  const ms = now.getTime() - Date.parse(time)
  return ms < justNowMs ? 'just now' : `${describeDuration(ms).replace(/^(\d+d).*/, '$1')} ago`
}

/** Describes when a workspace stops automatically: how long it runs, and how long it has left. */
export function describeAutostop({ ttl_ms, latest_build }: Workspace, now: Date): string {
  const ttl = ttl_ms ? describeDuration(ttl_ms) : ''
  if (latest_build.transition !== 'start' || latest_build.deadline === null) return ttl
  const leftMs = Date.parse(latest_build.deadline) - now.getTime()
  const deadline = leftMs > 0 ? `in ${describeDuration(leftMs)}` : 'now'
  return ttl === '' ? deadline : `${ttl} (${deadline})`
}
