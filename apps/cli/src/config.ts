import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError, messageOf } from './failures.ts'
import type { Environment } from './world.ts'

/** Files of the configuration folder (Coder v2 API, v0.13.4: CLI configuration folder). */
export type ConfigFile = 'url' | 'session' | 'organization'

/** The configuration folder. Each file holds one text and is readable by its owner only. */
export interface Config {
  readonly folder: string
  /** Returns undefined if the file is missing or blank. */
  read(file: ConfigFile): Promise<string | undefined>
  /** Replaces the file atomically: a reader sees the old text or the new one. */
  write(file: ConfigFile, text: string): Promise<void>
  /** Removes the file if it exists. */
  remove(file: ConfigFile): Promise<void>
}

const folderMode = 0o750
const fileMode = 0o600

/** Returns the configuration folder to use unless the user names one. */
export function defaultConfigFolder(world: { environment: Environment; platform: NodeJS.Platform; homeDirectory: string }): string {
  const { environment, platform, homeDirectory } = world
  if (platform === 'win32' && environment['APPDATA']) return join(environment['APPDATA'], 'berth')
  return join(environment['XDG_CONFIG_HOME'] || join(homeDirectory, '.config'), 'berth')
}

/** Opens a configuration folder. It doesn't have to exist. */
export function openConfig(folder: string): Config {
  return {
    folder,
    async read(file) {
      try {
        return (await readFile(join(folder, file), 'utf8')).trim() || undefined
      } catch (error) {
        if (isErrorWithCode(error, 'ENOENT', 'ENOTDIR')) return undefined
        throw unusable(folder, 'read', error)
      }
    },
    async write(file, text) {
      try {
        await mkdir(folder, { recursive: true, mode: folderMode })
        const temporary = join(folder, `.${file}.new`)
        await writeFile(temporary, text, { mode: fileMode })
        // writeFile keeps the mode of a file that already exists.
        await chmod(temporary, fileMode)
        await rename(temporary, join(folder, file))
      } catch (error) {
        throw unusable(folder, 'write', error)
      }
    },
    async remove(file) {
      try {
        await rm(join(folder, file), { force: true })
      } catch (error) {
        if (!isErrorWithCode(error, 'ENOTDIR')) throw unusable(folder, 'remove', error)
      }
    },
  }
}

/** Whether an error has one of these codes of the operating system, such as `ENOENT`. */
export function isErrorWithCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

function unusable(folder: string, verb: 'read' | 'write' | 'remove', cause: unknown): CommandError {
  return new CommandError(`Can't ${verb} the configuration in ${folder}: ${messageOf(cause)}`, {
    help: 'Choose another folder with --global-config or BERTH_CONFIG_DIR.',
    cause,
  })
}
