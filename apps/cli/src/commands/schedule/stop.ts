import { defineCommand, word } from '../../command.ts'
import { parseDuration } from '../../durations.ts'
import { findWorkspace } from '../../workspaces/find-workspace.ts'
import { renderSchedule } from './show.ts'

export const stop = defineCommand({
  summary: 'Set how long a workspace runs before it stops automatically',
  args: {
    workspace: word('Workspace name, or owner/name', 'workspaces'),
    duration: word('Duration, such as 8h; "manual" for no automatic stop'),
  },
  examples: ['schedule stop dev 10h', 'schedule stop dev manual'],
  async run({ workspace: words, duration }, { client, clock, terminal }) {
    const ttl_ms = duration === 'manual' ? null : parseDuration(duration)
    const { id } = await findWorkspace(client, words)
    await client.workspaces.updateTTL({ params: { workspace: id }, body: { ttl_ms } })
    const workspace = await client.workspaces.get({ params: { workspace: id } })
    terminal.print(renderSchedule(workspace, clock.now()))
    if (workspace.latest_build.transition === 'start')
      terminal.note(`This applies from the next start. To change the next stop, run 'berth schedule override-stop ${words} <duration>'.`)
  },
})
