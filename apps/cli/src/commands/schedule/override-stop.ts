import { defineCommand, word } from '../../command.ts'
import { parseDuration } from '../../durations.ts'
import { CommandError } from '../../failures.ts'
import { findWorkspace } from '../../find-workspace.ts'
import { renderSchedule } from './show.ts'

const leastMs = 29 * 60_000

export const overrideStop = defineCommand({
  summary: 'Move the time at which a running workspace stops by itself',
  args: { workspace: word('Its name, or owner/name', 'workspaces'), duration: word('How long from now, 30m or more') },
  examples: ['schedule override-stop dev 2h'],
  async run({ workspace: words, duration }, { client, clock, terminal }) {
    const ms = parseDuration(duration)
    if (ms < leastMs)
      throw new CommandError('A workspace can be told to stop in 30 minutes or later.', { help: `To stop it now: 'berth stop ${words}'.` })
    const { id } = await findWorkspace(client, words)
    const deadline = new Date(clock.now().getTime() + ms).toISOString()
    await client.workspaces.extend({ params: { workspace: id }, body: { deadline } })
    terminal.print(renderSchedule(await client.workspaces.get({ params: { workspace: id } }), clock.now()))
  },
})
