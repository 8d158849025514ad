import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CommandError } from './failures.ts'
import type { Environment } from './world.ts'

/** What is kept about a deployment; each is one file (Coder v2 API, v0.13.4: CLI configuration folder). */
export type ConfigFile = 'url' | 'session' | 'organization'

/** The folder with the session. Files hold a bare text and can be read by their owner only. */
export interface Config {
  readonly folder: string
  /** Undefined when the file is missing or blank. */
  read(file: ConfigFile): Promise<string | undefined>
  /** Replaces the file as a whole: a reader sees the old text or the new one. */
  write(file: ConfigFile, text: string): Promise<void>
  /** Removes the file if it is there. */
  remove(file: ConfigFile): Promise<void>
}

/** Where the configuration is unless the user says otherwise. */
export function defaultConfigFolder(world: { environment: Environment; platform: NodeJS.Platform; homeDirectory: string }): string {
  const { environment, platform, homeDirectory } = world
  if (platform === 'win32' && environment['APPDATA']) return join(environment['APPDATA'], 'berth')
  return join(environment['XDG_CONFIG_HOME'] || join(homeDirectory, '.config'), 'berth')
}

/** Opens a configuration folder, which need not exist. */
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
        await mkdir(folder, { recursive: true, mode: 0o750 })
        const temporary = join(folder, `.${file}.new`)
        await writeFile(temporary, text, { mode: 0o600 })
        // A file that was there already keeps its mode through writeFile.
        await chmod(temporary, 0o600)
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

/** Whether the error came from the operating system with one of these codes. */
export function isErrorWithCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

function unusable(folder: string, verb: string, cause: unknown): CommandError {
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new CommandError(
    `The configuration in ${folder} can't be ${verb === 'read' ? 'read' : verb === 'write' ? 'written' : 'removed'}: ${reason}`,
    {
      help: 'Choose another folder with --global-config or BERTH_CONFIG_DIR.',
      cause,
    },
  )
}
