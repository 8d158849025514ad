import { ScheduleError, scheduleFromWords } from '@berth/schema/rules'
import { defineCommand, rest, word } from '../../command.ts'
import { UsageError } from '../../failures.ts'
import { findWorkspace } from '../../workspaces/find-workspace.ts'
import { renderSchedule } from './show.ts'

export const start = defineCommand({
  summary: 'Set when a workspace starts automatically',
  args: {
    workspace: word('Workspace name, or owner/name', 'workspaces'),
    when: rest('Time, days and time zone, such as 9:30AM Mon-Fri Europe/Dublin; "manual" for no automatic start'),
  },
  examples: ['schedule start dev 9:30AM Mon-Fri Europe/Dublin', 'schedule start dev manual'],
  async run({ workspace: words, when }, { client, clock, terminal }) {
    const schedule = when.length === 1 && when[0] === 'manual' ? null : readSchedule(when, clock.timeZone)
    const { id } = await findWorkspace(client, words)
    await client.workspaces.updateAutostart({ params: { workspace: id }, body: { schedule } })
    terminal.print(renderSchedule(await client.workspaces.get({ params: { workspace: id } }), clock.now()))
  },
})

/** Converts typed words to the schedule that the API expects. */
export function readSchedule(words: readonly string[], timeZone: string): string {
  try {
    return scheduleFromWords([...words], timeZone).text
  } catch (error) {
    if (!(error instanceof ScheduleError)) throw error
    throw new UsageError(
      `"${words.join(' ')}" isn't a valid schedule: ${error.message}. Use a format such as 9:30AM Mon-Fri Europe/Dublin.`,
      {
        cause: error,
      },
    )
  }
}
