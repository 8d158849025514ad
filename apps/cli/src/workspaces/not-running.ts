import type { Workspace } from '@berth/schema'
import { CommandError } from '../failures.ts'

/**
 * Returns the error for a workspace that a command needs running, although its last build wasn't a
 * start. `words` name the workspace as the user typed it.
 */
export function notRunning({ latest_build: build, name }: Workspace, words: string): CommandError {
  const isStop = build.transition === 'stop'
  const help = isStop ? `Start it with 'berth start ${words}'.` : `Look at it with 'berth show ${words}'.`
  const isActive = build.job.status === 'pending' || build.job.status === 'running' || build.job.status === 'canceling'
  if (isActive) {
    if (!isStop) return new CommandError(`The workspace ${name} is being deleted.`)
    return new CommandError(`The workspace ${name} is stopping.`, { help: `When it has stopped, start it with 'berth start ${words}'.` })
  }
  if (build.job.status === 'succeeded') return new CommandError(`The workspace ${name} is ${isStop ? 'stopped' : 'deleted'}.`, { help })
  const reason = build.job.error ? `: ${build.job.error}` : ` (${build.job.status})`
  return new CommandError(`The workspace ${name} isn't running, and its last ${isStop ? 'stop' : 'deletion'} didn't succeed${reason}`, {
    help,
  })
}
