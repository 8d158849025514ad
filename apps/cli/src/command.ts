/**
 * Commands are values: they state their words and flags, and run. Parsing, sessions, errors and
 * exit codes belong to the runner.
 * @module
 */
import type { Completion } from './completion/candidates.ts'
import type { Context } from './context.ts'
import type { Flags, FlagValue } from './flags.ts'

interface Argument<Kind extends 'word' | 'optional' | 'rest'> {
  readonly kind: Kind
  readonly summary: string
  readonly completes?: Completion
  /** Whether words that look like flags belong to it too, once its first word is typed. */
  readonly isVerbatim?: boolean
}
type AnyArgument = Argument<'word'> | Argument<'optional'> | Argument<'rest'>

type ArgumentValue<A> = A extends Argument<'rest'> ? readonly string[] : A extends Argument<'optional'> ? string | undefined : string

/** A required word. */
export const word = (summary: string, completes?: Completion): Argument<'word'> => ({
  kind: 'word',
  summary,
  ...(completes && { completes }),
})
/** An optional word. */
export const optionalWord = (summary: string, completes?: Completion): Argument<'optional'> => ({
  kind: 'optional',
  summary,
  ...(completes && { completes }),
})
/** All remaining words. After `--`, that includes words that look like flags. */
export const rest = (summary: string, completes?: Completion): Argument<'rest'> => ({
  kind: 'rest',
  summary,
  ...(completes && { completes }),
})

/** The words of another command. Its first word ends the flags of this one. */
export const verbatimRest = (summary: string): Argument<'rest'> => ({ kind: 'rest', summary, isVerbatim: true })

type Arguments = Readonly<Record<string, AnyArgument>>

/** What a command receives: the value of each argument and flag, under its key. */
export type Input<A extends Arguments, F extends Flags> = { readonly [Key in keyof A]: ArgumentValue<A[Key]> } & {
  readonly [Key in keyof F]: FlagValue<F[Key]>
}

interface Description {
  /** One line, imperative, without a full stop. */
  readonly summary: string
  /** Other words for it. An alias may look like a flag. */
  readonly aliases?: readonly string[]
  /** Lines to copy, without the leading `berth`. */
  readonly examples?: readonly string[]
  readonly hidden?: boolean
}

/** A command as the runner sees it. Made by {@link defineCommand}. */
export interface Command extends Description {
  readonly args: Arguments
  readonly flags: Flags
  /** `values` has a key for every argument and flag. Returns the exit code; nothing means 0. */
  readonly invoke: (values: Readonly<Record<string, unknown>>, context: Context) => Promise<number | void>
}

/** Several commands under one word. */
export interface CommandGroup extends Description {
  readonly commands: Readonly<Record<string, Command | CommandGroup>>
}

/** Defines a command. `args` and `flags` determine what `run` receives. */
export function defineCommand<A extends Arguments = {}, F extends Flags = {}>(
  definition: Description & {
    readonly args?: A
    readonly flags?: F
    readonly run: (input: Input<A, F>, context: Context) => Promise<number | void>
  },
): Command {
  const { args, flags, run, ...description } = definition
  return {
    ...description,
    args: args ?? {},
    flags: flags ?? {},
    // The runner reads each key's value with the argument or flag of that key, as Input says.
    invoke: (values, context) => run(values as Input<A, F>, context),
  }
}

/** Whether a node of the tree has commands below it. */
export function isGroup(node: Command | CommandGroup): node is CommandGroup {
  return 'commands' in node
}

/** A command or group with its name in the group above. */
export interface Child {
  readonly name: string
  readonly node: Command | CommandGroup
}

/** Finds a child by name or alias. */
export function childOf({ commands }: CommandGroup, typed: string): Child | undefined {
  const found = Object.entries(commands).find(([name, node]) => name === typed || node.aliases?.includes(typed))
  return found && { name: found[0], node: found[1] }
}

/** Returns the children that help and completion show. */
export function visibleChildren({ commands }: CommandGroup): Child[] {
  return Object.entries(commands).flatMap(([name, node]) => (node.hidden ? [] : [{ name, node }]))
}
