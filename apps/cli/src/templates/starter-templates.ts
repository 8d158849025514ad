import { cp, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isErrorWithCode } from '../config.ts'
import { CommandError } from '../failures.ts'

/** A template that comes with the program. */
export interface StarterTemplate {
  /** Name of its folder, and the default name of the folder to write it to. */
  readonly id: string
  /** One line, from its template.yaml. */
  readonly description: string
  readonly folder: string
}

/** Returns the starter templates, sorted by id. */
export async function listStarterTemplates(folder: string): Promise<StarterTemplate[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new CommandError('The starter templates are missing from this installation.', { help: 'Install berth again.', cause: error })
  })
  const folders = entries.filter((entry) => entry.isDirectory()).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return Promise.all(
    folders.map(async ({ name }) => ({ id: name, folder: join(folder, name), description: await descriptionOf(join(folder, name)) })),
  )
}

async function descriptionOf(folder: string): Promise<string> {
  const manifest = await readFile(join(folder, 'template.yaml'), 'utf8').catch(() => '')
  // A YAML parser for one line of our own file would slow down every start of the program.
  return /^description:\s*(['"]?)(.+)\1\s*$/m.exec(manifest)?.[2] ?? ''
}

/**
 * Writes a starter template to a folder, and creates the folder if needed. Overwrites nothing.
 *
 * @throws CommandError if the folder already has a file of the template.
 */
export async function writeStarterTemplate(template: StarterTemplate, into: string): Promise<void> {
  const [present, own] = await Promise.all([namesIn(into), readdir(template.folder)])
  const clash = own.find((name) => present.includes(name))
  if (clash !== undefined) {
    throw new CommandError(`${join(into, clash)} already exists.`, { help: 'Choose another folder, or remove it.' })
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
