import { defineCommand, word } from '../../command.ts'
import { parseDuration } from '../../durations.ts'
import { findWorkspace } from '../../find-workspace.ts'
import { renderSchedule } from './show.ts'

export const stop = defineCommand({
  summary: 'Stop a workspace by itself some time after each start',
  args: { workspace: word('Its name, or owner/name', 'workspaces'), duration: word('For example 8h, from 1m to 7d; or manual') },
  examples: ['schedule stop dev 10h', 'schedule stop dev manual'],
  async run({ workspace: words, duration }, { client, clock, terminal }) {
    const ttl_ms = duration === 'manual' ? null : parseDuration(duration)
    const { id } = await findWorkspace(client, words)
    await client.workspaces.updateTTL({ params: { workspace: id }, body: { ttl_ms } })
    const workspace = await client.workspaces.get({ params: { workspace: id } })
    terminal.print(renderSchedule(workspace, clock.now()))
    if (workspace.latest_build.transition === 'start')
      terminal.note("It takes effect at the next start. For now: 'berth schedule override-stop'.")
  },
})
