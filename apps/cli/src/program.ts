/**
 * The command tree as a parser. The library underneath knows nothing of the world: it parses, renders help, and throws.
 * @module
 */
import { Argument, Command as Parser, CommanderError, Option } from 'commander'
import { isGroup, type Command, type CommandGroup, type Flag } from './command.ts'
import { UsageError } from './failures.ts'
import { flagName, type Given } from './read-input.ts'
import { globalFlags } from './settings.ts'
import { nearestWord } from './suggest.ts'

/** What the typed words say. */
export type Parsed =
  | {
      readonly kind: 'command'
      readonly command: Command
      /** The words of the command itself, such as `['templates', 'create']`. */
      readonly path: readonly string[]
      readonly words: readonly string[]
      readonly given: Given
      readonly globals: Given
    }
  | { readonly kind: 'help'; readonly text: string }

/** A usage error with the command that was being called. */
export class UsageErrorAt extends UsageError {
  readonly path: readonly string[]

  constructor(message: string, path: readonly string[]) {
    super(message)
    this.path = path
  }
}

/**
 * Parses what was typed after `berth`.
 *
 * @throws UsageErrorAt when the words are no command.
 */
export function parseWords(tree: CommandGroup, words: readonly string[], columns = 80): Parsed {
  let parsed: Parsed | undefined
  let help = ''
  const parser = buildParser(tree, {
    columns,
    onCommand: (chosen) => {
      parsed = chosen
    },
    onHelp: (text) => {
      help += text
    },
  })
  try {
    parser.parse([...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) throw new UsageErrorAt(sentence(error.message), pathOf(tree, words))
  }
  return parsed ?? { kind: 'help', text: orderSections(help.trimEnd()) }
}

/**
 * The help of a command or group.
 *
 * @throws UsageErrorAt when there is nothing under that path.
 */
export function renderHelp(tree: CommandGroup, path: readonly string[], columns = 80): string {
  const unknown = path[pathOf(tree, path).length]
  if (unknown !== undefined) throw new UsageErrorAt(`there is no help for "${path.join(' ')}": "${unknown}" is no command.`, [])
  const parsed = parseWords(tree, [...path, '--help'], columns)
  return parsed.kind === 'help' ? parsed.text : ''
}

interface BuildOptions {
  readonly columns: number
  readonly onCommand: (parsed: Parsed & { kind: 'command' }) => void
  readonly onHelp: (text: string) => void
}

function buildParser(tree: CommandGroup, options: BuildOptions): Parser {
  const parser = new Parser('berth')
  parser
    .exitOverride()
    // Flags of the whole program are declared on every command, so that they may stand before and after its words.
    .enablePositionalOptions()
    .helpCommand(false)
    .helpOption('-h, --help', 'Show this help')
    .configureOutput({
      writeOut: options.onHelp,
      writeErr: () => undefined,
      outputError: () => undefined,
      getOutHelpWidth: () => options.columns,
      getOutHasColors: () => false,
    })
    .configureHelp({ visibleOptions, visibleArguments, subcommandTerm })
  fill(parser, tree, [], options)
  return parser
}

function fill(parser: Parser, node: Command | CommandGroup, path: readonly string[], options: BuildOptions): void {
  parser.description(node.summary.endsWith('.') ? node.summary : `${node.summary}.`).summary(node.summary)
  if (node.aliases && path.length > 0) parser.aliases(node.aliases)
  if (node.examples) parser.addHelpText('after', `\nExamples:\n${node.examples.map((example) => `  berth ${example}`).join('\n')}`)
  if (isGroup(node)) fillGroup(parser, node, path, options)
  else fillCommand(parser, node, path, options)
  parser.optionsGroup('Flags of every command:')
  addFlags(parser, globalFlags)
}

function fillGroup(parser: Parser, group: CommandGroup, path: readonly string[], options: BuildOptions): void {
  parser.usage('<command>').argument('[words...]')

  for (const [name, child] of Object.entries(group.commands)) {
    const sub = parser.command(name, { hidden: child.hidden === true })
    fill(sub, child, [...path, name], options)
  }
  // Runs when no command below matches the next word.
  parser.action((words: readonly string[]) => {
    const [unknown] = words
    if (unknown === undefined) return parser.outputHelp()
    const names = Object.entries(group.commands).flatMap(([name, child]) => (child.hidden ? [] : [name, ...(child.aliases ?? [])]))
    const meant = nearestWord(unknown, names)
    const suggestion = meant === undefined ? '' : ` Did you mean "${meant}"?`
    throw new UsageErrorAt(`unknown command "${unknown}" for "${['berth', ...path].join(' ')}".${suggestion}`, path)
  })
}

function fillCommand(parser: Parser, command: Command, path: readonly string[], options: BuildOptions): void {
  for (const [key, argument] of Object.entries(command.args)) {
    const name = flagName(key).slice(2)
    const shown = { word: `<${name}>`, optional: `[${name}]`, rest: `[${name}...]` }[argument.kind]
    parser.addArgument(new Argument(shown, argument.summary))
  }
  addFlags(parser, command.flags)
  parser.action(() => {
    const globals = Object.fromEntries(
      Object.keys(globalFlags).map((key) => [key, givenFor(parser, key, globalFlags) ?? givenInParents(parser, key)]),
    )
    const given = Object.fromEntries(Object.keys(command.flags).map((key) => [key, givenFor(parser, key, command.flags)]))
    options.onCommand({ kind: 'command', command, path, words: parser.args, given, globals })
  })
}

type AnyFlags = Readonly<Record<string, Flag<unknown>>>

function addFlags(parser: Parser, flags: AnyFlags): void {
  for (const [key, flag] of Object.entries(flags)) {
    const value = flag.kind === 'toggle' ? '' : ` <${flag.placeholder ?? 'value'}>`
    const option = new Option(`${flag.short ? `-${flag.short}, ` : ''}${flagName(key)}${value}`, describeFlag(flag))
    if (flag.kind !== 'toggle') option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text])
    if (flag.hidden) option.hideHelp()
    parser.addOption(option)
  }
}

function describeFlag(flag: Flag<unknown>): string {
  const notes = [
    ...(flag.variable ? [`$BERTH_${flag.variable}`] : []),
    ...(flag.choices === undefined && typeof flag.defaultValue === 'string' ? [`default ${flag.defaultValue}`] : []),
  ]
  return notes.length === 0 ? flag.summary : `${flag.summary} (${notes.join(', ')})`
}

function givenFor(parser: Parser, key: string, flags: AnyFlags): readonly string[] | true | undefined {
  const option = parser.options.find((candidate) => candidate.long === flagName(key))
  const name = option?.attributeName()
  if (option === undefined || name === undefined || parser.getOptionValueSource(name) !== 'cli') return undefined
  const value: unknown = parser.getOptionValue(name)
  // `--tty` and `--no-tty` share a value.
  if (flags[key]?.kind === 'toggle') return value === !option.negate ? true : undefined
  return value as readonly string[]
}

function givenInParents(parser: Parser, key: string): readonly string[] | true | undefined {
  const parent = parser.parent
  return parent === null ? undefined : (givenFor(parent, key, globalFlags) ?? givenInParents(parent, key))
}

/** The help flag goes last: it is the one everybody knows. */
function visibleOptions(parser: Parser): Option[] {
  const own = parser.options.filter((option) => !option.hidden)
  return [...own, new Option('-h, --help', 'Show this help')]
}

/** The words that a group takes are those of its commands, which are listed anyway. */
function visibleArguments(parser: Parser): Argument[] {
  return parser.registeredArguments.filter(({ description }) => description !== '')
}

/** How a command stands in the list of its group: `list, ls`, `show <workspace>`. */
function subcommandTerm(parser: Parser): string {
  const names = [parser.name(), ...parser.aliases()].join(', ')
  return [names, ...visibleArguments(parser).map((argument) => shownArgument(argument))].join(' ')
}

function shownArgument(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`
  return argument.required ? `<${name}>` : `[${name}]`
}

const sectionOrder = ['Usage:', '', 'Arguments:', 'Commands:', 'Options:', 'Flags of every command:', 'Examples:']

/** What somebody looks for comes first: the commands of a group before the flags that all of them have. */
function orderSections(help: string): string {
  return help
    .split('\n\n')
    .map((section) => section.trimEnd())
    .toSorted((a, b) => sectionRank(a) - sectionRank(b))
    .join('\n\n')
}

function sectionRank(section: string): number {
  const found = sectionOrder.findIndex((title) => title !== '' && section.startsWith(title))
  return found === -1 ? 1 : found
}

/** `error: unknown option '--al'` and its suggestion, as a sentence of ours. */
function sentence(message: string): string {
  const [first = '', suggestion] = message.replace(/^error: /, '').split('\n')
  const meant = /Did you mean (.*)\?/.exec(suggestion ?? '')?.[1]
  return meant === undefined ? `${first}.` : `${first}. Did you mean ${meant}?`
}

/** The words of the command that was being called when parsing failed. */
function pathOf(tree: CommandGroup, words: readonly string[]): string[] {
  const path: string[] = []
  let node: Command | CommandGroup = tree
  for (const word of words) {
    if (!isGroup(node)) break
    const entry: readonly [string, Command | CommandGroup] | undefined = Object.entries(node.commands).find(
      ([name, child]) => name === word || child.aliases?.includes(word),
    )
    if (entry === undefined) continue
    path.push(entry[0])
    node = entry[1]
  }
  return path
}
