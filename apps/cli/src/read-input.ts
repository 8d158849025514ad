import type { Command, Flag } from './command.ts'
import { UsageError } from './failures.ts'
import type { Environment } from './world.ts'

/** What stood on the command line for a flag: its texts, or `true` for a toggle. Absent flags are undefined. */
export type Given = Readonly<Record<string, readonly string[] | true | undefined>>

type AnyFlag = Flag<unknown>

/** Writes a key the way it is typed: `stopAfter` becomes `stop-after`. */
export function kebabCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Returns the flag of a key: `stopAfter` is typed `--stop-after`. */
export function flagName(key: string): string {
  return `--${kebabCase(key)}`
}

/** Gives every flag its value: what was typed, else BERTH_X, else CODER_X, else the default. */
export function readFlags(flags: Readonly<Record<string, AnyFlag>>, given: Given, environment: Environment): Record<string, unknown> {
  return Object.fromEntries(Object.entries(flags).map(([key, flag]) => [key, readFlag(key, flag, { given: given[key], environment })]))
}

function readFlag(
  key: string,
  flag: AnyFlag,
  { given, environment }: { given: readonly string[] | true | undefined; environment: Environment },
): unknown {
  if (given === true) return true
  if (given !== undefined) {
    return flag.kind === 'list' ? given : readText(flag, given.at(-1) ?? '', flagName(key))
  }
  for (const variable of flag.variable === undefined ? [] : [`BERTH_${flag.variable}`, `CODER_${flag.variable}`]) {
    const value = environment[variable]
    if (value !== undefined && value !== '') return readText(flag, value, variable)
  }
  return flag.defaultValue
}

function readText(flag: AnyFlag, text: string, source: string): unknown {
  if (flag.choices && !flag.choices.includes(text)) {
    throw new UsageError(`${source} can't be "${text}". It is one of: ${flag.choices.join(', ')}.`)
  }
  try {
    return flag.read(text)
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${source}: ${error.message}`, { cause: error })
    throw error
  }
}

/** Gives every argument its word. The parser has counted them already, so a word that must be there is. */
export function readArguments(args: Command['args'], words: readonly string[]): Record<string, unknown> {
  const names = Object.entries(args)
  return Object.fromEntries(names.map(([key, argument], index) => [key, argument.kind === 'rest' ? words.slice(index) : words[index]]))
}
