import type { Setting } from '@berth/schema'
import { ConfigError } from './config-error.ts'

/**
 * Reads a command line: `--flag value`, `--flag=value`, the same with the letter of a flag, and
 * `--flag` alone for a switch. The last of several flags with one name counts.
 *
 * @returns The texts by the name of the flag; undefined if the command line asks for help.
 * @throws ConfigError for a word that is not a flag, or a flag without its value.
 */
export function readFlags(words: readonly string[], settings: readonly Setting[]): ReadonlyMap<string, string> | undefined {
  const byWord = new Map(settings.flatMap((setting) => wordsOf(setting).map((word) => [word, setting] as const)))
  const flags = new Map<string, string>()
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--help' || word === '-h') return undefined
    const [, written = word, , inline] = /^([^=]+)(=([\s\S]*))?$/.exec(word) ?? []
    const setting = byWord.get(written)
    if (setting === undefined) throw new ConfigError(`There is no setting ${written}. See berth-server --help.`)
    const next = rest[0]
    const isBare = setting.kind === 'bool' && (next === undefined || next.startsWith('-'))
    const value = inline ?? (isBare ? 'true' : rest.shift())
    if (value === undefined) throw new ConfigError(`The setting ${written} needs a value.`)
    flags.set(setting.flag, value)
  }
  return flags
}

/** A flag also goes by the name of its variable, for people who know only that one. */
function wordsOf({ name, flag, shorthand }: Setting): string[] {
  if (flag === '') return []
  return [`--${name.toLowerCase().replaceAll('_', '-')}`, `--${flag}`, ...(shorthand === '' ? [] : [`-${shorthand}`])]
}
