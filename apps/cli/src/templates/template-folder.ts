import { readdir } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { isName } from '@berth/schema/rules'
import type { ProvisionerType } from '@berth/schema'
import { isErrorWithCode } from '../config.ts'
import { CommandError, UsageError } from '../failures.ts'

/** A folder that holds a template. */
export interface TemplateFolder {
  /** Absolute. */
  readonly path: string
  /** What runs it. */
  readonly provisioner: ProvisionerType
}

/**
 * Looks at a folder and tells what kind of template is in it: `template.yaml` makes it a native one, `*.tf` one of Terraform.
 *
 * @param forced what the user says it is.
 */
export async function openTemplateFolder(path: string, forced: ProvisionerType | undefined): Promise<TemplateFolder> {
  const absolute = resolve(path)
  const names = await namesIn(absolute)
  if (forced !== undefined) return { path: absolute, provisioner: forced }
  if (names.includes('template.yaml') || names.includes('template.yml')) return { path: absolute, provisioner: 'berth' }
  if (names.some((name) => name.endsWith('.tf'))) return { path: absolute, provisioner: 'terraform' }
  throw new CommandError(`${absolute} is no template: it has neither a template.yaml nor a *.tf file.`, {
    help: "Point to the folder with --directory, or begin with 'berth templates init'.",
  })
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isErrorWithCode(error, 'ENOENT')) throw new CommandError(`There is no folder ${folder}.`, { cause: error })
    if (isErrorWithCode(error, 'ENOTDIR')) throw new CommandError(`${folder} is not a folder.`, { cause: error })
    throw error
  }
}

/** The name of a template: as given, else that of its folder. */
export function templateName(given: string | undefined, { path }: TemplateFolder): string {
  const name = given ?? basename(path)
  if (isName(name)) return name
  const where = given === undefined ? ' It is the name of the folder; give another one as an argument.' : ''
  throw new UsageError(`"${name}" can't be the name of a template: up to 32 letters and digits, with single hyphens between them.${where}`)
}

/** Kinds of templates as a hidden flag has them. */
export function readProvisioner(text: string): ProvisionerType {
  if (text === 'berth' || text === 'terraform' || text === 'echo') return text
  throw new UsageError(`"${text}" is none of berth, terraform, echo.`)
}
