/**
 * Commands are values: they describe their words, say what they take, and return. Parsing, signing in, printing errors and the exit code
 * are the runner's.
 * @module
 */
import type { Context } from './context.ts'

/** What the shell may offer for a word: names of workspaces or of templates, folders, or nothing. */
export type Completion = 'workspaces' | 'templates' | 'folders' | 'commands'

interface Argument<Kind extends 'word' | 'optional' | 'rest'> {
  readonly kind: Kind
  readonly summary: string
  readonly completes?: Completion
}
type AnyArgument = Argument<'word'> | Argument<'optional'> | Argument<'rest'>

type ArgumentValue<A> = A extends Argument<'rest'> ? readonly string[] : A extends Argument<'optional'> ? string | undefined : string

/** A word that must be given. */
export const word = (summary: string, completes?: Completion): Argument<'word'> => ({
  kind: 'word',
  summary,
  ...(completes && { completes }),
})
/** A word that may be left out. */
export const optionalWord = (summary: string, completes?: Completion): Argument<'optional'> => ({
  kind: 'optional',
  summary,
  ...(completes && { completes }),
})
/** All words that are left; with `--` before them, words that look like flags too. */
export const rest = (summary: string, completes?: Completion): Argument<'rest'> => ({
  kind: 'rest',
  summary,
  ...(completes && { completes }),
})

/** A flag. Its name is its key in kebab case; its value comes from the command line, else the environment, else the default. */
export interface Flag<Value> {
  readonly kind: 'toggle' | 'text' | 'list'
  readonly summary: string
  readonly defaultValue: Value
  /** Reads the text of a flag or an environment variable; throws `UsageError` with what was expected. */
  readonly read: (text: string) => Value
  readonly short?: string
  /** What stands for the value in help: `--stop-after <duration>`. */
  readonly placeholder?: string
  /** `TEMPLATE_NAME` is read as BERTH_TEMPLATE_NAME, then CODER_TEMPLATE_NAME. */
  readonly variable?: string
  /** The words that are accepted; also offered by the shell. */
  readonly choices?: readonly string[]
  readonly completes?: Completion
  readonly hidden?: boolean
}

type FlagOptions = Partial<Omit<Flag<never>, 'kind' | 'summary' | 'defaultValue' | 'read'>>

/** On or off; off unless given. */
export const toggle = (summary: string, options: FlagOptions = {}): Flag<boolean> => ({
  kind: 'toggle',
  summary,
  defaultValue: false,
  read: (text) => ['1', 't', 'true', 'yes', 'on'].includes(text.toLowerCase()),
  ...options,
})
/** A text that may be absent. */
export const text = (summary: string, options: FlagOptions = {}): Flag<string | undefined> => ({
  kind: 'text',
  summary,
  defaultValue: undefined,
  read: (given) => given,
  ...options,
})
/** A text with a reader of its own, such as a duration. */
export const parsed = <Value>(
  summary: string,
  options: FlagOptions & { readonly read: (text: string) => Value; readonly defaultValue: Value },
): Flag<Value> => ({ kind: 'text', summary, ...options })
/** A text that may be given several times. */
export const list = (summary: string, options: FlagOptions = {}): Flag<readonly string[]> => ({
  kind: 'list',
  summary,
  defaultValue: [],
  read: (given) => [given],
  ...options,
})

/** `-y`, for every command that asks before it does something. */
export const yesFlag = toggle('Do it without asking', { short: 'y' })
/** `-o`, for every command that has data to show. */
export const outputFlag: Flag<'table' | 'json'> = {
  kind: 'text',
  summary: 'How to print: table or json',
  defaultValue: 'table',
  read: (given) => (given === 'json' ? 'json' : 'table'),
  short: 'o',
  placeholder: 'format',
  choices: ['table', 'json'],
}

type Arguments = Readonly<Record<string, AnyArgument>>
type Flags = Readonly<Record<string, Flag<unknown>>>
type FlagValue<F> = F extends Flag<infer Value> ? Value : never

/** What a command gets: one key for each argument and flag, under the names it gave them. */
export type Input<A extends Arguments, F extends Flags> = { readonly [Key in keyof A]: ArgumentValue<A[Key]> } & {
  readonly [Key in keyof F]: FlagValue<F[Key]>
}

interface Description {
  /** One line, imperative, without a full stop. */
  readonly summary: string
  readonly aliases?: readonly string[]
  /** Lines to copy, each with the words after `berth`. */
  readonly examples?: readonly string[]
  readonly hidden?: boolean
}

/** A command as the runner sees it. Made by {@link defineCommand}. */
export interface Command extends Description {
  readonly args: Arguments
  readonly flags: Flags
  /** `values` has a key for every argument and flag. The number is the exit code; nothing means 0. */
  readonly invoke: (values: Readonly<Record<string, unknown>>, context: Context) => Promise<number | void>
}

/** Several commands below one word. */
export interface CommandGroup extends Description {
  readonly commands: Readonly<Record<string, Command | CommandGroup>>
}

/** Defines a command; `run` is typed by `args` and `flags`. */
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
    // The runner fills every key with a value read by the argument or flag of that key, which is what Input says.
    invoke: (values, context) => run(values as Input<A, F>, context),
  }
}

/** A command or group, under the name it has in its group. */
export interface Child {
  readonly name: string
  readonly node: Command | CommandGroup
}

/** Finds the child with a name or alias. */
export function childOf({ commands }: CommandGroup, typed: string): Child | undefined {
  const found = Object.entries(commands).find(([name, node]) => name === typed || node.aliases?.includes(typed))
  return found && { name: found[0], node: found[1] }
}

/** Returns the children that help and completion show. */
export function visibleChildren({ commands }: CommandGroup): Child[] {
  return Object.entries(commands).flatMap(([name, node]) => (node.hidden ? [] : [{ name, node }]))
}

/** Whether a node of the tree has commands below it. */
export function isGroup(node: Command | CommandGroup): node is CommandGroup {
  return 'commands' in node
}
