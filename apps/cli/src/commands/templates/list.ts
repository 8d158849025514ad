import type { Template } from '@berth/schema'
import { defineCommand } from '../../command.ts'
import { counted } from '../../counted.ts'
import { describeDuration } from '../../durations.ts'
import { list as listFlag, outputFlag } from '../../flags.ts'
import { currentOrganization } from '../../organization.ts'
import { chooseColumns, renderTable, type Column } from '../../terminal/table.ts'

const columns: readonly Column<Template>[] = [
  { name: 'name', cell: ({ name }) => name },
  { name: 'created at', cell: ({ created_at }) => created_at, optional: true },
  { name: 'last updated', cell: ({ updated_at }) => updated_at },
  { name: 'organization id', cell: ({ organization_id }) => organization_id, optional: true },
  { name: 'provisioner', cell: ({ provisioner }) => provisioner, optional: true },
  { name: 'active version id', cell: ({ active_version_id }) => active_version_id, optional: true },
  { name: 'used by', cell: ({ active_user_count }) => describeUsers(active_user_count) },
  { name: 'default ttl', cell: ({ default_ttl_ms }) => (default_ttl_ms > 0 ? describeDuration(default_ttl_ms) : ''), optional: true },
]

export const list = defineCommand({
  summary: 'List templates',
  aliases: ['ls'],
  flags: { column: listFlag('Columns to show, separated by commas', { short: 'c', placeholder: 'names' }), output: outputFlag },
  async run({ column, output }, { client, terminal }) {
    const chosen = chooseColumns(columns, column)
    const organization = await currentOrganization(client)
    const templates = await client.templates.list({ params: { organization: organization.id } })
    const sorted = templates.toSorted((a, b) => a.name.localeCompare(b.name))
    if (output === 'json') return terminal.printJson(sorted)
    if (sorted.length === 0) return terminal.note("There are no templates yet. Start with 'berth templates init'.")
    terminal.print(renderTable(sorted, chosen))
  },
})

/** Describes how many developers use a template. The server reports -1 until it has counted. */
function describeUsers(count: number): string {
  if (count < 0) return 'not counted yet'
  return counted(count, 'active developer')
}
