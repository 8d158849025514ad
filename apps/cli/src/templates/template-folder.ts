import { readdir } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { ProvisionerType } from '@berth/schema'
import { isErrorWithCode } from '../config.ts'
import { CommandError, UsageError } from '../failures.ts'
import { nameFault } from '../name-fault.ts'

/** A folder that holds a template. */
export interface TemplateFolder {
  /** Absolute path. */
  readonly path: string
  readonly provisioner: ProvisionerType
}

/**
 * Detects the provisioner of a template's folder: `template.yaml` is for the native one, `*.tf` for
 * Terraform.
 *
 * @param forced the provisioner to use whatever the folder contains.
 * @throws CommandError if there is no folder, or no template in it.
 */
export async function openTemplateFolder(path: string, forced: ProvisionerType | undefined): Promise<TemplateFolder> {
  const absolute = resolve(path)
  const names = await namesIn(absolute)
  if (forced !== undefined) return { path: absolute, provisioner: forced }
  if (names.includes('template.yaml') || names.includes('template.yml')) return { path: absolute, provisioner: 'berth' }
  if (names.some((name) => name.endsWith('.tf'))) return { path: absolute, provisioner: 'terraform' }
  throw new CommandError(`${absolute} isn't a template: it has no template.yaml and no *.tf file.`, {
    help: "Choose the template's folder with --directory, or create one with 'berth templates init'.",
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

/** Returns the name of a template: as given, else that of its folder. */
export function templateName(given: string | undefined, { path }: TemplateFolder): string {
  const name = given ?? basename(path)
  const fault = nameFault('template', name)
  if (fault === undefined) return name
  throw new UsageError(given === undefined ? `${fault} This is the name of the folder; pass another one as an argument.` : fault)
}

/** Reads the value of --provisioner. */
export function readProvisioner(text: string): ProvisionerType {
  if (text === 'berth' || text === 'terraform' || text === 'echo') return text
  throw new UsageError(`"${text}" isn't a provisioner type. Use one of: berth, terraform, echo.`)
}
