import { resolve } from 'node:path'
import { defineCommand, optionalWord } from '../../command.ts'
import { UsageError } from '../../failures.ts'
import { text } from '../../flags.ts'
import { listStarterTemplates, writeStarterTemplate, type StarterTemplate } from '../../templates/starter-templates.ts'
import type { Context } from '../../context.ts'

export const init = defineCommand({
  summary: 'Write a starter template to a folder',
  args: {
    folder: optionalWord('Folder to write to, or the name of a starter template', 'folders'),
  },
  flags: { id: text('Starter template to write', { placeholder: 'name' }) },
  examples: ['templates init local-starter', 'templates init my-template --id local-starter'],
  async run({ folder, id }, context) {
    const { terminal, world } = context
    const template = await choose(await listStarterTemplates(world.starterTemplatesDirectory), { id, folder }, context)
    const name = folder ?? template.id
    const path = resolve(world.workingDirectory, name)
    await writeStarterTemplate(template, path)
    terminal.print(`Wrote the template to ${path}. Edit it, then upload it with:`)
    terminal.print(`  berth templates create -d ${quoted(name)}`)
  },
})

async function choose(
  templates: readonly StarterTemplate[],
  { id, folder }: { readonly id: string | undefined; readonly folder: string | undefined },
  { terminal }: Context,
): Promise<StarterTemplate> {
  const byName = templates.find((template) => template.id === (id ?? folder))
  if (byName) return byName
  const [only, another] = templates
  if (id !== undefined || only === undefined) {
    throw new UsageError(`There is no starter template "${id ?? ''}". Use one of: ${templates.map((template) => template.id).join(', ')}.`)
  }
  if (another === undefined) return only
  const chosen = await terminal.prompts.choose({
    message: 'Starter template',
    flag: '--id',
    choices: templates.map((template) => ({ value: template.id, hint: template.description })),
  })
  return templates.find((template) => template.id === chosen) ?? only
}

/** Quotes a word for a shell if needed. */
function quoted(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
