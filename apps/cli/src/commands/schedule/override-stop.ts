import { minAcceptedExtensionMs, minExtensionMs } from '@berth/schema/rules'
import { defineCommand, word } from '../../command.ts'
import { describeDuration, parseDuration } from '../../durations.ts'
import { CommandError } from '../../failures.ts'
import { findWorkspace } from '../../workspaces/find-workspace.ts'
import { notRunning } from '../../workspaces/not-running.ts'
import { renderSchedule } from './show.ts'

const minStop = describeDuration(minExtensionMs)

export const overrideStop = defineCommand({
  summary: 'Change when a running workspace stops next',
  args: { workspace: word('Workspace name, or owner/name', 'workspaces'), duration: word(`Time from now, at least ${minStop}`) },
  examples: ['schedule override-stop dev 2h'],
  async run({ workspace: words, duration }, { client, clock, terminal }) {
    const ms = parseDuration(duration)
    if (ms < minAcceptedExtensionMs)
      throw new CommandError(`The new stop time must be at least ${minStop} from now.`, { help: `To stop now, run 'berth stop ${words}'.` })
    const workspace = await findWorkspace(client, words)
    if (workspace.latest_build.transition !== 'start') throw notRunning(workspace, words)
    const { id } = workspace
    const deadline = new Date(clock.now().getTime() + ms).toISOString()
    await client.workspaces.extend({ params: { workspace: id }, body: { deadline } })
    terminal.print(renderSchedule(await client.workspaces.get({ params: { workspace: id } }), clock.now()))
  },
})
