import type { Completion } from './completion/candidates.ts'

/**
 * A flag. Its name is its key in kebab case. Its value comes from the command line, then the
 * environment, then the default.
 */
export interface Flag<Value> {
  readonly kind: 'toggle' | 'text' | 'list'
  readonly summary: string
  readonly defaultValue: Value
  /** Reads the text of a flag or environment variable. Throws `UsageError` if it isn't valid. */
  readonly read: (text: string) => Value
  readonly short?: string
  /** Name of the value in help: `--stop-after <duration>`. */
  readonly placeholder?: string
  /** The default in help. Needed if the default isn't a text. */
  readonly shownDefault?: string
  /** `TEMPLATE_NAME` stands for BERTH_TEMPLATE_NAME, then CODER_TEMPLATE_NAME. */
  readonly variable?: string
  /** The only values accepted. The shell offers them too. */
  readonly choices?: readonly string[]
  readonly completes?: Completion
  readonly hidden?: boolean
}

/** Flags by key. */
export type Flags = Readonly<Record<string, Flag<unknown>>>

/** The value a flag reads. */
export type FlagValue<F> = F extends Flag<infer Value> ? Value : never

type FlagOptions = Partial<Omit<Flag<never>, 'kind' | 'summary' | 'defaultValue' | 'read'>>

/** A flag without a value, off by default. */
export const toggle = (summary: string, options: FlagOptions = {}): Flag<boolean> => ({
  kind: 'toggle',
  summary,
  defaultValue: false,
  read: (text) => ['1', 't', 'true', 'yes', 'on'].includes(text.toLowerCase()),
  ...options,
})
/** An optional text. */
export const text = (summary: string, options: FlagOptions = {}): Flag<string | undefined> => ({
  kind: 'text',
  summary,
  defaultValue: undefined,
  read: (given) => given,
  ...options,
})
/** A text with its own reader, such as a duration. */
export const parsed = <Value>(
  summary: string,
  options: FlagOptions & { readonly read: (text: string) => Value; readonly defaultValue: Value },
): Flag<Value> => ({ kind: 'text', summary, ...options })
/** A text that can be repeated. */
export const list = (summary: string, options: FlagOptions = {}): Flag<readonly string[]> => ({
  kind: 'list',
  summary,
  defaultValue: [],
  read: (given) => [given],
  ...options,
})

/** `-y`, for every command that asks for confirmation. */
export const yesFlag = toggle('Answer yes to confirmations', { short: 'y' })

/** How a command prints its data. */
export type OutputFormat = 'table' | 'json'

/** `-o`, for every command that prints data. */
export const outputFlag: Flag<OutputFormat> = {
  kind: 'text',
  summary: 'Output format: table or json',
  defaultValue: 'table',
  read: (given) => (given === 'json' ? 'json' : 'table'),
  short: 'o',
  placeholder: 'format',
  choices: ['table', 'json'],
}
