import { readFile } from 'node:fs/promises'
import { ConfigError } from './config-error.ts'
import { readConfig, type Config, type ConfigSources } from './config.ts'
import { settingsFilePath, type SettingsFile } from './settings-file.ts'

/**
 * Reads all settings, those of the machine's settings file included.
 *
 * @throws ConfigError with one line that names the setting or the file; HelpRequested for `--help`.
 */
export async function readMachineConfig(sources: Omit<ConfigSources, 'settingsFile'>): Promise<Config> {
  const { environment, homeDirectory } = sources
  return readConfig({ ...sources, settingsFile: await readIfThere(settingsFilePath(environment, { homeDirectory })) })
}

async function readIfThere(path: string): Promise<SettingsFile | undefined> {
  try {
    return { path, text: await readFile(path, 'utf8') }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException // of the file system
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ConfigError(`${path} cannot be used: ${message}. Make it readable, or set BERTH_CONFIG_DIR to another directory.`, {
      cause: error,
    })
  }
}
