import { defineCommand, rest } from '../command.ts'
import type { Completion } from '../completion/candidates.ts'
import type { Context } from '../context.ts'
import { currentOrganization } from '../organization.ts'

/** The shell's prompt is blocked for this long. */
const maxWaitMs = 2000

export const complete = defineCommand({
  summary: 'Print what can follow the words, one candidate a line; called by the completion scripts',
  hidden: true,
  args: { words: rest('Words typed so far; the last one may be unfinished or empty') },
  async run({ words }, context) {
    const found = context.complete(words)
    const unfinished = words.at(-1) ?? ''
    // The shell shows no errors, and most words need no session.
    const names = found.names === undefined ? [] : await namesOf(found.names, context).catch(() => [])
    const candidates = [...found.words, ...names].filter((candidate) => candidate.startsWith(unfinished))
    if (candidates.length > 0) context.terminal.print(candidates.join('\n'))
  },
})

async function namesOf(kind: Completion, context: Context): Promise<string[]> {
  const call = { signal: AbortSignal.timeout(maxWaitMs) }
  if (kind === 'workspaces') {
    const { workspaces } = await context.client.workspaces.list({ query: { owner: 'me' } }, call)
    return workspaces.map((workspace) => workspace.name)
  }
  if (kind === 'templates') {
    const { id } = await currentOrganization(context.client)
    return (await context.client.templates.list({ params: { organization: id } }, call)).map((template) => template.name)
  }
  return []
}
