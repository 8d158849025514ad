import { isGroup, type Command, type CommandGroup } from '../command.ts'
import { UsageError } from '../failures.ts'
import type { Flag, Flags } from '../flags.ts'
import { globalFlags, helpFlag } from '../settings.ts'
import type { Environment } from '../world.ts'

/**
 * Flags as typed: the texts of each, or `true` for a toggle. Flags that weren't typed are
 * undefined.
 */
export type Given = Readonly<Record<string, readonly string[] | true | undefined>>

/** Writes a key the way it is typed: `stopAfter` becomes `stop-after`. */
export function kebabCase(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Returns the flag of a key: `stopAfter` is typed `--stop-after`. */
export function flagName(key: string): string {
  return `--${kebabCase(key)}`
}

/** Returns every flag that a command or group accepts. */
export function flagsOf(node: Command | CommandGroup): Flags {
  return { ...(isGroup(node) ? {} : node.flags), ...globalFlags, ...helpFlag }
}

/** Returns each flag's value: as typed, else from BERTH_X, else from CODER_X, else the default. */
export function readFlags(flags: Flags, given: Given, environment: Environment): Record<string, unknown> {
  return Object.fromEntries(Object.entries(flags).map(([key, flag]) => [key, readFlag(key, flag, { given: given[key], environment })]))
}

function readFlag(
  key: string,
  flag: Flag<unknown>,
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

function readText(flag: Flag<unknown>, text: string, source: string): unknown {
  if (flag.choices && !flag.choices.includes(text)) {
    throw new UsageError(`"${text}" isn't a valid value for ${source}. Use one of: ${flag.choices.join(', ')}.`)
  }
  try {
    return flag.read(text)
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${source}: ${error.message}`, { cause: error })
    throw error
  }
}

/** Returns each argument's value. The parser has checked that required words are there. */
export function readArguments(args: Command['args'], words: readonly string[]): Record<string, unknown> {
  const names = Object.entries(args)
  return Object.fromEntries(names.map(([key, argument], index) => [key, argument.kind === 'rest' ? words.slice(index) : words[index]]))
}
