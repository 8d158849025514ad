import { isGroup, visibleChildren, type Command, type CommandGroup } from '../command.ts'
import type { Flag, Flags } from '../flags.ts'
import type { Place } from './parse-words.ts'
import { flagName, kebabCase } from './read-input.ts'
import { globalFlags, helpFlag } from '../settings.ts'

/** A term and what it means, side by side. */
type Row = readonly [term: string, meaning: string]

/** Blanks before a term, and between a term and its meaning. */
const gap = '  '

/** A narrower column of meanings goes below the terms instead of beside them. */
const minMeaningColumns = 32

/**
 * Renders the help of a command or group.
 *
 * @param columns width of the text. Longer lines are wrapped at a blank, except examples, which are
 *   there to be copied.
 */
export function renderHelp({ node, path }: Place, columns: number): string {
  const lists: readonly (readonly [title: string, rows: readonly Row[]])[] = [
    ['Arguments', isGroup(node) ? [] : Object.entries(node.args).map(([key, { summary }]) => [kebabCase(key), summary])],
    ['Commands', isGroup(node) ? visibleChildren(node).map((child) => [commandTerm(child), child.node.summary]) : []],
    ['Flags', flagRows({ ...(isGroup(node) ? {} : node.flags), ...helpFlag })],
    ['Global flags', flagRows(globalFlags)],
  ]
  const termWidth = Math.max(...lists.flatMap(([, rows]) => rows.map(([term]) => term.length)))
  const sections = [
    [...wrap(`Usage: ${usage(node, path)}`, columns), ...(node.aliases ? [`Aliases: ${node.aliases.join(', ')}`] : [])].join('\n'),
    wrap(`${node.summary}.`, columns).join('\n'),
    ...lists
      .filter(([, rows]) => rows.length > 0)
      .map(([title, rows]) => [`${title}:`, ...layOut(rows, { termWidth, columns })].join('\n')),
    ...(node.examples ? [['Examples:', ...node.examples.map((example) => `${gap}berth ${example}`)].join('\n')] : []),
  ]
  if (isGroup(node)) {
    sections.push(wrap(`Run '${['berth', ...path, '<command>'].join(' ')} --help' for more about a command.`, columns).join('\n'))
  }
  return sections.join('\n\n')
}

function usage(node: Command | CommandGroup, path: readonly string[]): string {
  const words = isGroup(node) ? ['<command>'] : [...(Object.keys(node.flags).length > 0 ? ['[flags]'] : []), ...shownArguments(node)]
  return ['berth', ...path, ...words].join(' ')
}

/** How a command stands in the list of its group: `list, ls`, `show <workspace>`. */
function commandTerm({ name, node }: { readonly name: string; readonly node: Command | CommandGroup }): string {
  return [[name, ...(node.aliases ?? [])].join(', '), ...(isGroup(node) ? [] : shownArguments(node))].join(' ')
}

function shownArguments({ args }: Command): string[] {
  return Object.entries(args).map(([key, { kind }]) => {
    const name = kebabCase(key)
    return { word: `<${name}>`, optional: `[${name}]`, rest: `[${name}...]` }[kind]
  })
}

function flagRows(flags: Flags): Row[] {
  return Object.entries(flags).flatMap(([key, flag]) => (flag.hidden ? [] : [[flagTerm(key, flag), describeFlag(flag)] as const]))
}

function flagTerm(key: string, { kind, short, placeholder = 'value' }: Flag<unknown>): string {
  return `${short ? `-${short}, ` : ''}${flagName(key)}${kind === 'toggle' ? '' : ` <${placeholder}>`}`
}

function describeFlag({ summary, variable, defaultValue, shownDefault }: Flag<unknown>): string {
  const byDefault = shownDefault ?? (typeof defaultValue === 'string' ? defaultValue : undefined)
  const notes = [...(variable ? [`$BERTH_${variable}`] : []), ...(byDefault === undefined ? [] : [`default ${byDefault}`])]
  return notes.length === 0 ? summary : `${summary} (${notes.join(', ')})`
}

function layOut(rows: readonly Row[], { termWidth, columns }: { readonly termWidth: number; readonly columns: number }): string[] {
  const indent = gap.length + termWidth + gap.length
  if (columns - indent < minMeaningColumns) {
    const below = gap.repeat(3)
    return rows.flatMap(([term, meaning]) => [`${gap}${term}`, ...wrap(meaning, columns - below.length).map((line) => `${below}${line}`)])
  }
  return rows.flatMap(([term, meaning]) =>
    wrap(meaning, columns - indent).map((line, index) => `${gap}${(index === 0 ? term : '').padEnd(termWidth)}${gap}${line}`),
  )
}

/** Breaks a text at blanks. A word that is longer than the width gets a line of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return [...lines, line]
}
