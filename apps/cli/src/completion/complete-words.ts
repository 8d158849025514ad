import { childOf, isGroup, visibleChildren, type Command, type CommandGroup } from '../command.ts'
import type { Flag } from '../flags.ts'
import { flagName, flagsOf } from '../parsing/read-input.ts'
import type { Candidates } from './candidates.ts'

/** Returns what can stand in place of the last word, which may be unfinished. */
export function completeWords(tree: CommandGroup, words: readonly string[]): Candidates {
  const unfinished = words.at(-1) ?? ''
  let node: Command | CommandGroup = tree
  let position = 0
  let openFlag: Flag<unknown> | undefined
  for (const word of words.slice(0, -1)) {
    if (openFlag) {
      openFlag = undefined
    } else if (word === '--') {
      return { words: [] }
    } else if (word.startsWith('-')) {
      const flag = flagOf(node, word)
      openFlag = flag && flag.kind !== 'toggle' && !word.includes('=') ? flag : undefined
    } else {
      const below: Command | CommandGroup | undefined = isGroup(node) ? childOf(node, word)?.node : undefined
      if (below) node = below
      else position += 1
    }
  }
  const args = isGroup(node) ? [] : Object.values(node.args)
  if (args.slice(0, position).some(({ isVerbatim }) => isVerbatim)) return { words: [] }
  if (openFlag) return { words: openFlag.choices ?? [], ...(openFlag.completes && { names: openFlag.completes }) }
  if (unfinished.startsWith('-')) return { words: flagNames(node) }
  if (isGroup(node)) return { words: position === 0 ? visibleNames(node) : [] }
  const argument = args[position] ?? args.find(({ kind }) => kind === 'rest')
  if (argument?.completes === 'commands') return { words: visibleNames(tree) }
  return { words: [], ...(argument?.completes && { names: argument.completes }) }
}

function visibleNames(group: CommandGroup): string[] {
  return visibleChildren(group).map(({ name }) => name)
}

function flagOf(node: Command | CommandGroup, word: string): Flag<unknown> | undefined {
  const [typed = ''] = word.split('=')
  return Object.entries(flagsOf(node)).find(([key, flag]) => flagName(key) === typed || (flag.short && `-${flag.short}` === typed))?.[1]
}

function flagNames(node: Command | CommandGroup): string[] {
  return Object.entries(flagsOf(node)).flatMap(([key, flag]) => (flag.hidden ? [] : [flagName(key)]))
}
