import type { Workspace } from '@berth/schema'
import { watchWorkspace } from '@berth/sdk'
import type { Context } from '../context.ts'
import { dayMs, describeDuration, minuteMs } from '../durations.ts'

/** How long before a workspace stops to say so. Longest first. */
const noticesMs = [30 * minuteMs, 5 * minuteMs]

/** How often a long wait looks at the clock again, which a laptop's sleep can hold up. */
const longestSleepMs = dayMs

/** Which workspace to watch, and how to tell the user. */
export interface StopNotice {
  readonly workspace: Workspace
  /** The name as the user typed it. */
  readonly words: string
  readonly say: (line: string) => void
}

/**
 * Says before a workspace stops by its schedule that it will, and how to prevent that. Follows the
 * changes of the deadline until `signal` is aborted. Never rejects: a session goes on without it.
 */
export async function announceStop(
  notice: StopNotice,
  { client, clock }: Pick<Context, 'client' | 'clock'>,
  signal: AbortSignal,
): Promise<void> {
  let known: string | undefined
  let waiting = new AbortController()
  try {
    for await (const { latest_build: build } of watchWorkspace(client, notice.workspace.id, { initial: true, signal })) {
      const deadline = (build.transition === 'start' && build.deadline) || undefined
      if (deadline === known) continue
      known = deadline
      waiting.abort()
      waiting = new AbortController()
      if (deadline === undefined) continue
      const until = AbortSignal.any([signal, waiting.signal])
      remind(new Date(deadline).getTime(), { notice, clock, signal: until }).catch(() => undefined)
    }
  } catch {
    // The session is more important than the notice.
  } finally {
    waiting.abort()
  }
}

interface Reminding {
  readonly notice: StopNotice
  readonly clock: Context['clock']
  readonly signal: AbortSignal
}

/** Rejects when the signal is aborted. */
async function remind(deadline: number, { notice: { workspace, words, say }, clock, signal }: Reminding): Promise<void> {
  const leftMs = (): number => deadline - clock.now().getTime()
  for (const [index, noticeMs] of noticesMs.entries()) {
    while (leftMs() > noticeMs) await clock.sleep(Math.min(leftMs() - noticeMs, longestSleepMs), signal)
    const isPast = leftMs() <= (noticesMs[index + 1] ?? 0)
    if (isPast) continue
    const left = describeDuration(Math.ceil(leftMs() / minuteMs) * minuteMs)
    const help = `To keep it for 2 more hours, run 'berth schedule override-stop ${words} 2h' in another terminal.`
    say(`The workspace ${workspace.name} stops in ${left}. ${help}`)
  }
}
