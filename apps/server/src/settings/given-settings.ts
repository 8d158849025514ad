import type { Setting } from '@berth/schema'
import { DurationError, WireValueError } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'
import type { Reader } from './value-readers.ts'

/** The text that an administrator gave a setting. */
export interface Given {
  /** Where it was given, as errors name it. */
  readonly source: string
  readonly text: string
}

/** Every text that an administrator gave. */
export interface GivenSettings {
  /** By the name of the flag. */
  readonly flags: ReadonlyMap<string, string>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** From the settings file, by the name of the setting. */
  readonly file: ReadonlyMap<string, Given>
}

/**
 * Finds the text that a setting was given. A flag wins over `BERTH_<NAME>`, that over
 * `CODER_<NAME>`, and that over the settings file. An empty variable counts as absent; an empty
 * flag or key stands for the default, unless the setting can be empty.
 *
 * @returns Undefined if the setting has its default.
 */
export function findGiven(setting: Setting, given: GivenSettings): Given | undefined {
  const found = firstGiven(setting, given)
  return found?.text === '' && !setting.canBeEmpty ? undefined : found
}

function firstGiven({ name, flag }: Setting, given: GivenSettings): Given | undefined {
  const word = given.flags.get(flag)
  if (word !== undefined) return { source: `--${flag}`, text: word }
  for (const source of variablesOf(name)) {
    const text = given.environment[source] ?? ''
    if (text !== '') return { source, text }
  }
  return given.file.get(name)
}

/**
 * Reads a setting or its default. Throws ConfigError with one line that names where the setting was
 * given.
 */
export function readGiven<Value>(setting: Setting, given: GivenSettings, read: Reader<Value>): Value {
  const { source, text } = findGiven(setting, given) ?? { source: `the default of ${setting.name}`, text: setting.default }
  try {
    return read(text)
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof WireValueError || error instanceof DurationError)) throw error
    throw new ConfigError(`${source} cannot be used: ${error.message}`, { cause: error })
  }
}

/**
 * Returns the environment, with the numbered settings of the file where a variable doesn't override
 * them.
 */
export function numberedVariables({ environment, file }: GivenSettings): GivenSettings['environment'] {
  const isAbsent = (name: string): boolean => variablesOf(name).every((variable) => (environment[variable] ?? '') === '')
  const below = [...file].filter(([name]) => /_\d+_/.test(name) && isAbsent(name))
  return { ...environment, ...Object.fromEntries(below.map(([name, { text }]) => [`BERTH_${name}`, text])) }
}

function variablesOf(name: string): string[] {
  return [`BERTH_${name}`, `CODER_${name}`]
}
