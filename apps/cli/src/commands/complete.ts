import { defineCommand, rest, type Completion } from '../command.ts'
import { completeWords } from '../completion/complete-words.ts'
import type { Context } from '../context.ts'
import { currentOrganization } from '../organization.ts'

/** A shell waits for this with a frozen prompt. */
const maxWaitMs = 2000

export const complete = defineCommand({
  summary: 'Print what may follow the words, one on each line; the scripts of `completion` call it',
  hidden: true,
  args: { words: rest('What is typed so far; the last word may be unfinished or empty') },
  async run({ words }, context) {
    const found = completeWords(context.commands, words)
    const unfinished = words.at(-1) ?? ''
    // Nobody can read an error here, and a session is not needed for most words.
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
