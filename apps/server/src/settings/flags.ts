import { parseBool } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'
import { flagOf, type Setting } from './setting.ts'

/** A setting as it is written on the command line. */
export interface Flag extends Pick<Setting<unknown>, 'name' | 'flag' | 'read'> {
  /** One letter; absent or empty: none. */
  readonly shorthand?: string
}

/**
 * Reads a command line: `--flag value`, `--flag=value`, the same with the letter of a flag, and switches without a value. Of flags of one
 * name the last one counts.
 *
 * @param known The later of two with the same flag counts.
 * @returns What was written, by the name of the flag; undefined: help is asked for.
 * @throws ConfigError for a word that is no flag, or a flag without its value.
 */
export function readFlags(words: readonly string[], known: readonly Flag[]): ReadonlyMap<string, string> | undefined {
  const byWord = new Map(known.flatMap((row) => wordsOf(row).map((word) => [word, row] as const)))
  const flags = new Map<string, string>()
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--help' || word === '-h') return undefined
    const [, written = word, , inline] = /^([^=]+)(=([\s\S]*))?$/.exec(word) ?? []
    const row = byWord.get(written)
    if (row === undefined) throw new ConfigError(`There is no setting ${written}. See berth-server --help.`)
    const next = rest[0]
    const isBare = row.read === parseBool && (next === undefined || next.startsWith('-'))
    const value = inline ?? (isBare ? 'true' : rest.shift())
    if (value === undefined) throw new ConfigError(`The setting ${written} needs a value.`)
    flags.set(row.flag, value)
  }
  return flags
}

/** Each flag is also known by the name of its variable, for people who know only one of the two. */
function wordsOf({ name, flag, shorthand = '' }: Flag): string[] {
  return [`--${flagOf(name)}`, `--${flag}`, ...(shorthand === '' ? [] : [`-${shorthand}`])]
}
