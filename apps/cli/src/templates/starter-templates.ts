import { cp, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrorWithCode } from '../config.ts'
import { CommandError } from '../failures.ts'

/** A template that the program brings along. */
export interface StarterTemplate {
  /** Name of its folder, and of the folder that it is written to unless another is given. */
  readonly id: string
  /** One line, from the template itself. */
  readonly description: string
  readonly folder: string
}

/** The starter templates, by id. */
export async function listStarterTemplates(folder: string): Promise<StarterTemplate[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new CommandError('The starter templates are not where they should be.', { help: 'Install the program again.', cause: error })
  })
  const folders = entries.filter((entry) => entry.isDirectory()).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return Promise.all(
    folders.map(async ({ name }) => ({ id: name, folder: join(folder, name), description: await descriptionOf(join(folder, name)) })),
  )
}

async function descriptionOf(folder: string): Promise<string> {
  const manifest = await readFile(join(folder, 'template.yaml'), 'utf8').catch(() => '')
  // The line is ours to write; a YAML parser for one line of our own file would be the larger half of the program's start.
  return /^description:\s*(['"]?)(.+)\1\s*$/m.exec(manifest)?.[2] ?? ''
}

/**
 * Writes a starter template into a folder, which may exist.
 *
 * @throws CommandError when a file of the template is there already; nothing of anybody's is overwritten.
 */
export async function writeStarterTemplate(template: StarterTemplate, into: string): Promise<void> {
  const [present, own] = await Promise.all([namesIn(into), readdir(template.folder)])
  const clash = own.find((name) => present.includes(name))
  if (clash !== undefined) {
    throw new CommandError(`${join(into, clash)} exists already.`, { help: 'Choose another folder, or remove what is there.' })
  }
  await mkdir(into, { recursive: true })
  await cp(template.folder, into, { recursive: true, errorOnExist: true, force: false })
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isErrorWithCode(error, 'ENOENT')) return []
    if (isErrorWithCode(error, 'ENOTDIR')) throw new CommandError(`${folder} is a file, not a folder.`, { cause: error })
    throw error
  }
}
