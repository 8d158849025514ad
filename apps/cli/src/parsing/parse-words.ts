/**
 * Turns typed words into a command with its arguments and flags.
 * @module
 */
import { parseArgs } from 'node:util'
import { nearest } from '@berth/provisioner/nearest'
import { childOf, isGroup, visibleChildren, type Command, type CommandGroup } from '../command.ts'
import { UsageError } from '../failures.ts'
import type { Flags } from '../flags.ts'
import { flagsOf, kebabCase, type Given } from './read-input.ts'
import { globalFlags } from '../settings.ts'

/** A command or group with its path, such as `['templates', 'create']`. */
export interface Place<Node extends Command | CommandGroup = Command | CommandGroup> {
  readonly node: Node
  readonly path: readonly string[]
}

/** What the typed words mean: show help, or run a command. */
export type Parsed =
  | ({ readonly kind: 'help' } & Place)
  | ({
      readonly kind: 'command'
      readonly words: readonly string[]
      readonly given: Given
      readonly globals: Given
    } & Place<Command>)

/** A usage error with the path of the command it is about. */
export class UsageErrorAt extends UsageError {
  readonly path: readonly string[]

  constructor(message: string, path: readonly string[]) {
    super(message)
    this.path = path
  }
}

/**
 * Parses the words typed after `berth`.
 *
 * @throws UsageErrorAt if a word fits no command, flag or argument, or one is missing.
 */
export function parseWords(tree: CommandGroup, words: readonly string[]): Parsed {
  return parseGroup({ node: tree, path: [] }, { words, globals: {}, wantsHelp: false })
}

interface Rest {
  readonly words: readonly string[]
  /** Global flags typed before the words. */
  readonly globals: Given
  /** Whether `--help` was typed before the words. */
  readonly wantsHelp: boolean
}

function parseGroup({ node, path }: Place<CommandGroup>, { words, globals, wantsHelp }: Rest): Parsed {
  const tokens = tokensOf(words, flagsOf(node))
  const next = tokens.find((token) => token.kind === 'positional' || (token.kind === 'option' && childOf(node, token.rawName)))
  const given = givenIn(
    tokens.filter(({ index }) => next === undefined || index < next.index),
    { node, path },
  )
  if (next === undefined) return { kind: 'help', node, path }

  const typed = words[next.index] ?? ''
  const child = childOf(node, typed)
  if (child === undefined) throw unknownCommand(typed, { node, path })
  const below = {
    words: words.slice(next.index + 1),
    globals: merge(globals, given),
    wantsHelp: wantsHelp || given['help'] === true,
  }
  const place = { node: child.node, path: [...path, child.name] }
  return isGroup(place.node) ? parseGroup({ ...place, node: place.node }, below) : parseCommand({ ...place, node: place.node }, below)
}

function parseCommand({ node, path }: Place<Command>, rest: Rest): Parsed {
  const { tokens, verbatim } = splitVerbatim(node, rest.words)
  // Help comes before any error, so that a wrong flag can be looked up.
  const wantsHelp = rest.wantsHelp || tokens.some((token) => token.kind === 'option' && token.name === 'help')
  if (wantsHelp) return { kind: 'help', node, path }
  const given = givenIn(tokens, { node, path })
  const words = [...tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : [])), ...verbatim]
  checkCount(words, { node, path })
  return { kind: 'command', node, path, words, given, globals: merge(rest.globals, given) }
}

/** Splits off the words of an argument that takes flags as they are. */
function splitVerbatim(node: Command, words: readonly string[]): { tokens: Tokens; verbatim: readonly string[] } {
  const tokens = tokensOf(words, flagsOf(node))
  const position = Object.values(node.args).findIndex(({ isVerbatim }) => isVerbatim)
  const first = position === -1 ? undefined : tokens.filter(({ kind }) => kind === 'positional')[position]
  if (first === undefined) return { tokens, verbatim: [] }
  return { tokens: tokens.filter(({ index }) => index < first.index), verbatim: words.slice(first.index) }
}

/** Joins the global flags before and after a word. */
function merge(before: Given, after: Given): Given {
  return Object.fromEntries(Object.keys(globalFlags).map((key) => [key, both(before[key], after[key])]))
}

function both(before: Given[string], after: Given[string]): Given[string] {
  return Array.isArray(before) && Array.isArray(after) ? [...before, ...after] : (after ?? before)
}

type Tokens = ReturnType<typeof tokensOf>

function tokensOf(words: readonly string[], flags: Flags) {
  const options = Object.fromEntries(
    Object.entries(flags).map(([key, { kind, short }]) => {
      const type = kind === 'toggle' ? ('boolean' as const) : ('string' as const)
      return [kebabCase(key), { type, ...(short && { short }) }]
    }),
  )
  // Strict parsing would throw errors in Node's words; the tokens allow our own.
  return parseArgs({ args: [...words], options, strict: false, allowPositionals: true, tokens: true }).tokens
}

function givenIn(tokens: Tokens, { node, path }: Place): Given {
  const flags = flagsOf(node)
  const keys = new Map(Object.keys(flags).map((key) => [kebabCase(key), key]))
  const given: Record<string, Given[string]> = {}
  for (const token of tokens) {
    if (token.kind !== 'option') continue
    const key = keys.get(token.name) ?? ''
    const flag = flags[key]
    if (flag === undefined) throw unknownFlag(token.rawName, { node, path })
    if (flag.kind === 'toggle') {
      if (token.value !== undefined) throw new UsageErrorAt(`${token.rawName} takes no value.`, path)
      given[key] = true
    } else {
      if (token.value === undefined) {
        throw new UsageErrorAt(`${token.rawName} needs a value: ${token.rawName} <${flag.placeholder ?? 'value'}>.`, path)
      }
      given[key] = both(given[key], [token.value])
    }
  }
  return given
}

function checkCount(words: readonly string[], { node, path }: Place<Command>): void {
  const args = Object.entries(node.args)
  const missing = args.find(([, { kind }], index) => kind === 'word' && index >= words.length)
  if (missing !== undefined) throw new UsageErrorAt(`Missing argument <${kebabCase(missing[0])}>.`, path)
  const extra = words[args.length]
  if (extra !== undefined && args.at(-1)?.[1].kind !== 'rest') throw new UsageErrorAt(`Unexpected argument "${extra}".`, path)
}

function unknownCommand(word: string, { node, path }: Place<CommandGroup>): UsageErrorAt {
  const known = visibleChildren(node).flatMap((child) => [child.name, ...(child.node.aliases ?? [])])
  return new UsageErrorAt(`unknown command "${word}" for "${['berth', ...path].join(' ')}".${didYouMean(word, known)}`, path)
}

function unknownFlag(word: string, { node, path }: Place): UsageErrorAt {
  const known = Object.entries(flagsOf(node)).flatMap(([key, flag]) => (flag.hidden ? [] : [kebabCase(key)]))
  return new UsageErrorAt(`Unknown flag ${word}.${didYouMean(word.replace(/^-+/, ''), known, '--')}`, path)
}

/** Suggests the word that `typed` begins, or that it misspells. */
function didYouMean(typed: string, known: readonly string[], prefix = ''): string {
  const word = typed.toLowerCase()
  const begun = known.find((candidate) => word !== '' && candidate.startsWith(word))
  const meant = begun ?? nearest(word, known)
  return meant === undefined ? '' : ` Did you mean "${prefix}${meant}"?`
}
