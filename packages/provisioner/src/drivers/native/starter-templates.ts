import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readTemplate } from './template/read-template.ts'
import { templateFileName } from './template/template-error.ts'

/** A template that comes with Berth. */
export interface StarterTemplate {
  /** Identifies the template in commands and settings. */
  readonly id: string
  readonly name: string
  readonly description: string
  readonly icon: string
  readonly tags: readonly string[]
  /** The text of its README. */
  readonly readme: string
  /** Its files, with paths relative to the template's folder. */
  readonly files: readonly { readonly path: string; readonly content: string }[]
  /** Its folder, for `createArchive`. */
  readonly directory: string
}

/** Where a bundle finds the templates, relative to itself. Its build sets this. */
declare const STARTER_TEMPLATES: string | undefined
const relativePath = typeof STARTER_TEMPLATES === 'undefined' ? '../../../templates' : STARTER_TEMPLATES
const templatesDirectory = fileURLToPath(new URL(relativePath, import.meta.url))

/**
 * Returns the starter templates, sorted by ID. `directory` holds them, by default this package's
 * `templates`.
 */
export async function starterTemplates(directory: string = templatesDirectory): Promise<StarterTemplate[]> {
  const ids = (await readdir(directory, { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name)
  return await Promise.all(ids.sort().map(async (id) => await readStarter(join(directory, id), id)))
}

async function readStarter(directory: string, id: string): Promise<StarterTemplate> {
  const paths = (await readdir(directory, { withFileTypes: true })).filter((entry) => entry.isFile()).map(({ name }) => name)
  const files = await Promise.all(paths.sort().map(async (path) => ({ path, content: await readFile(join(directory, path), 'utf8') })))
  const textOf = (path: string): string => files.find((file) => file.path === path)?.content ?? ''
  const { file } = await readTemplate(textOf(templateFileName))
  return {
    id,
    name: file.name ?? id,
    description: file.description ?? '',
    icon: file.icon ?? '',
    tags: file.tags ?? [],
    readme: textOf('README.md'),
    files,
    directory,
  }
}
