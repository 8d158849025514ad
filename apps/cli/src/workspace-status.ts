import type { Workspace, WorkspaceStatus } from '@berth/schema'
import { describeDuration } from './durations.ts'

/** Statuses in the words that lists show (Coder v2 API, v0.13.4: CLI). */
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

/** How a workspace stands, in one word. */
export function describeStatus({ latest_build }: Workspace): string {
  return words[latest_build.status]
}

/** How long ago something was: `3m ago`, `just now`. */
export function describeAge(time: string, now: Date): string {
  const ms = now.getTime() - Date.parse(time)
  return ms < 5000 ? 'just now' : `${describeDuration(ms).replace(/^(\d+d).*/, '$1')} ago`
}

/** When a workspace stops by itself: after how long, and how long it has left. */
export function describeAutostop({ ttl_ms, latest_build }: Workspace, now: Date): string {
  const ttl = ttl_ms ? describeDuration(ttl_ms) : ''
  if (latest_build.transition !== 'start' || latest_build.deadline === null) return ttl
  const left = Date.parse(latest_build.deadline) - now.getTime()
  const deadline = left > 0 ? `in ${describeDuration(left)}` : 'now'
  return ttl === '' ? deadline : `${ttl} (${deadline})`
}
