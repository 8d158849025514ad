import type { Workspace } from '@berth/schema'
import { describeSchedule, parseSchedule } from '@berth/schema/rules'
import { defineCommand } from '../command.ts'
import { list as listFlag, outputFlag, parsed, toggle } from '../flags.ts'
import { chooseColumns, renderTable, type Column } from '../terminal/table.ts'
import { describeAge, describeAutostop, describeStatus } from '../workspaces/workspace-status.ts'

const ownSearch = 'owner:me'

const columnsAt = (now: Date): readonly Column<Workspace>[] => [
  { name: 'workspace', cell: ({ owner_name, name }) => `${owner_name}/${name}` },
  { name: 'template', cell: ({ template_name }) => template_name },
  { name: 'status', cell: describeStatus },
  { name: 'last built', cell: ({ latest_build }) => describeAge(latest_build.job.completed_at ?? latest_build.created_at, now) },
  { name: 'outdated', cell: ({ outdated }) => (outdated ? 'yes' : 'no') },
  { name: 'starts at', cell: ({ autostart_schedule }) => describeAutostart(autostart_schedule) },
  { name: 'stops after', cell: (workspace) => describeAutostop(workspace, now) },
]

export const list = defineCommand({
  summary: 'List workspaces',
  aliases: ['ls'],
  flags: {
    all: toggle('List all workspaces you can see, not only your own', { short: 'a' }),
    search: parsed('Search query, such as "owner:me name:web status:running"', {
      read: (words) => words,
      defaultValue: ownSearch,
      placeholder: 'query',
    }),
    column: listFlag('Columns to show, separated by commas', { short: 'c', placeholder: 'names' }),
    output: outputFlag,
  },
  async run({ all, search, column, output }, { client, clock, terminal }) {
    const columns = chooseColumns(columnsAt(clock.now()), column)
    const q = all && search === ownSearch ? '' : search
    const { workspaces } = await client.workspaces.list({ query: { q } })
    if (output === 'json') return terminal.printJson(workspaces)
    if (workspaces.length === 0) return terminal.note("No workspaces found. Create one with 'berth create <name>'.")
    const sorted = workspaces.toSorted((a, b) => `${a.owner_name}/${a.name}`.localeCompare(`${b.owner_name}/${b.name}`))
    terminal.print(renderTable(sorted, columns))
  },
})

/** Describes a schedule. One that only a newer server understands is shown unchanged. */
function describeAutostart(schedule: string | undefined): string {
  if (!schedule) return ''
  try {
    return describeSchedule(parseSchedule(schedule))
  } catch {
    return schedule
  }
}
