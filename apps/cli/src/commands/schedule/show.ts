import type { Workspace } from '@berth/schema'
import { describeSchedule, nextStart, parseSchedule } from '@berth/schema/rules'
import { defineCommand, word } from '../../command.ts'
import { findWorkspace } from '../../workspaces/find-workspace.ts'
import { outputFlag } from '../../flags.ts'
import { describeAutostop } from '../../workspaces/workspace-status.ts'

export const show = defineCommand({
  summary: 'Show when a workspace starts and stops automatically',
  args: { workspace: word('Workspace name, or owner/name', 'workspaces') },
  flags: { output: outputFlag },
  async run({ workspace: words, output }, { client, clock, terminal }) {
    const workspace = await findWorkspace(client, words)
    if (output === 'json') {
      const { autostart_schedule = null, ttl_ms = null, latest_build } = workspace
      return terminal.printJson({ autostart_schedule, ttl_ms, deadline: latest_build.deadline })
    }
    terminal.print(renderSchedule(workspace, clock.now()))
  },
})

/** Renders when a workspace starts and stops, on two lines. */
export function renderSchedule(workspace: Workspace, now: Date): string {
  const { autostart_schedule: text } = workspace
  const starts = text ? describeStart(text, now) : 'manually'
  return [`Starts:       ${starts}`, `Stops after:  ${describeAutostop(workspace, now) || 'manually'}`].join('\n')
}

function describeStart(text: string, now: Date): string {
  const schedule = parseSchedule(text)
  const next = nextStart(schedule, now)
  return `${describeSchedule(schedule)}${next === undefined ? '' : `, next on ${next.toISOString().replace(/\.\d+Z$/, 'Z')}`}`
}
