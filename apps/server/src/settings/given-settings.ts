import { DurationError, WireValueError } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'
import type { Setting } from './setting.ts'

/** What was written for a setting. */
export interface Given {
  /** Where it stands, as errors name it. */
  readonly source: string
  readonly text: string
}

/** Everything that was written. */
export interface GivenSettings {
  /** By the name of the flag. */
  readonly flags: ReadonlyMap<string, string>
  readonly environment: Readonly<Record<string, string | undefined>>
  /** From the settings file, by the name of the setting. */
  readonly file: ReadonlyMap<string, Given>
}

/**
 * Finds what was written for a setting: a flag wins over `BERTH_<NAME>`, which wins over `CODER_<NAME>`, which wins over the settings file.
 * A variable that is empty counts as absent. Undefined: nothing was written.
 */
export function findGiven({ name, flag }: Pick<Setting<unknown>, 'name' | 'flag'>, given: GivenSettings): Given | undefined {
  const word = given.flags.get(flag)
  if (word !== undefined) return { source: `--${flag}`, text: word }
  for (const source of variablesOf(name)) {
    const text = given.environment[source] ?? ''
    if (text !== '') return { source, text }
  }
  return given.file.get(name)
}

/** Reads a setting. Throws ConfigError with one line that names where it was written. */
export function readGiven<Value>(setting: Setting<Value>, given: GivenSettings): Value {
  const found = findGiven(setting, given)
  const isDefault = found === undefined || (found.text === '' && setting.readsEmpty !== true)
  try {
    return setting.read(isDefault ? setting.default : found.text)
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof WireValueError || error instanceof DurationError)) throw error
    // A connection URL may hold a password, so values are shown only where nothing secret is.
    throw new ConfigError(`${found?.source ?? 'the default'} cannot be used: ${error.message}`, { cause: error })
  }
}

/** The variables, and below them those settings of the file that are read from numbered variables. */
export function numberedVariables({ environment, file }: GivenSettings): GivenSettings['environment'] {
  const isAbsent = (name: string): boolean => variablesOf(name).every((variable) => (environment[variable] ?? '') === '')
  const below = [...file].filter(([name]) => /_\d+_/.test(name) && isAbsent(name))
  return { ...environment, ...Object.fromEntries(below.map(([name, { text }]) => [`BERTH_${name}`, text])) }
}

function variablesOf(name: string): string[] {
  return [`BERTH_${name}`, `CODER_${name}`]
}
