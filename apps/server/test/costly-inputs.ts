import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { extractArchive, readTemplate } from '@berth/provisioner'
import { parseSchedule, parseSearch } from '@berth/schema/rules'
import { readJson } from '../src/http/json-reader.ts'
import { tarEntry } from './tar-entry.ts'

const MIB = 1024 * 1024
const MAX_TEMPLATE_CHARACTERS = MIB / 4
/** Node.js refuses requests with longer headers, the address included. */
const MAX_QUERY_CHARACTERS = 16 * 1024

const filled = (unit: string, characters: number): string => unit.repeat(Math.floor(characters / unit.length))
const numbered = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('')

const least = 'local: {}\nagents:\n  - name: main\n'
const directory = (unit: string): string => `${least}    directory: "${filled(unit, MAX_TEMPLATE_CHARACTERS - 100)}"`
const parameters = (count: number, rest: string): string =>
  `${least}parameters:\n${numbered(count, (index) => `  - { name: p${index}, ${rest} }\n`)}`

/** Text in which nearly every character leads a matcher to a state that it has not met. */
const scrambled = numbered(2_000, (index) => ((Math.imul(index * index + 1, 2_654_435_761) >>> 13) % 2 === 0 ? 'a' : 'b'))

const TEMPLATES: Readonly<Record<string, string>> = {
  'very many keys': numbered(40_000, (index) => `k${index}:\n`).slice(0, MAX_TEMPLATE_CHARACTERS),
  'as many keys as allowed': numbered(2_850, (index) => `k${index}: 1\n`),
  'lists in lists': '['.repeat(MAX_TEMPLATE_CHARACTERS),
  'empty lists': `[${filled('[],', 18_000)}]`,
  'many quoted texts': `[${filled('"",', 29_000)}]`,
  'anchors of one value': `- ${filled('&a ', 20_000)}`,
  'many anchors': numbered(2_000, (index) => `- &a${index} 1\n`),
  'many aliases': `a: &a 1\nb: [${filled('*a,', 28_000)}]`,
  'many tags': `[${filled('!!int "x",', 38_000)}]`,
  'many directives': filled('%A\n', 20_000),
  'the same key again': filled('a: 1\n', 13_000),
  'a long plain text': `a: ${filled('x\n  ', MAX_TEMPLATE_CHARACTERS - 10)}`,
  'a long folded text': `a: >\n${filled('  x\n\n', MAX_TEMPLATE_CHARACTERS - 10)}`,
  'bad escape sequences': `a: "${filled('\\q', MAX_TEMPLATE_CHARACTERS - 10)}"`,
  'good escape sequences': `a: "${filled('\\n', MAX_TEMPLATE_CHARACTERS - 10)}"`,
  'references that never end': directory('${{ a } '),
  'references to nothing': directory('${{ parameters.x }}'),
  'good references': directory('${{ workspace.name }}'),
  'escaped references': directory('$${{'),
  'many variables': `${least}    env:\n${numbered(2_500, (index) => `      E${index}: "${'${{ workspace.name }}'.repeat(4)}"\n`)}`,
  'large regular expressions': parameters(3, `validation: { regex: "${'((a{30}){30})'.repeat(39)}" }`),
  'slow regular expressions': parameters(3, `default: "c${scrambled}", validation: { regex: "[ab]*a[ab]{500}c" }`),
  'regular expressions that backtrack': parameters(64, `default: "${'a'.repeat(2_000)}!", validation: { regex: "^(a+)+$" }`),
}

const ARCHIVES: Readonly<Record<string, Uint8Array>> = {
  'hundreds of files': Buffer.concat(Array.from({ length: 500 }, (_, index) => tarEntry(`f${index}`, ''))),
  'hundreds of folders': Buffer.concat(Array.from({ length: 500 }, (_, index) => tarEntry(`${'a/'.repeat(40)}${index}`, ''))),
  'nothing but zeros': new Uint8Array(10 * MIB),
  'one large file': tarEntry('file', 'x'.repeat(10 * MIB - 2_048)),
}

const BODIES: Readonly<Record<string, string>> = {
  'lists in lists': '['.repeat(MIB),
  'deep lists, again and again': `[${filled(`${'['.repeat(990)}${']'.repeat(990)},`, MIB)}1]`,
  'many numbers': `[${filled('1,', MIB)}1]`,
  'the same field again': `{${filled('"a":1,', MIB)}"a":1}`,
  'a long text': `"${filled('\\n', MIB)}"`,
}

const SEARCHES = byUnit(['a ', ':', 'a:b ', '"', '" ', 'a/b '], (unit) => filled(unit, MAX_QUERY_CHARACTERS))
const SCHEDULES = byUnit(['1,', '0-59,', '0-59/1,'], (unit) => `${filled(unit, MIB)}1 9 * * 1`)

/** The costliest inputs of each kind that anybody may send, with the work that reads them. */
export const COSTLY_WORK: readonly (readonly [what: string, work: () => Promise<unknown>])[] = [
  ...works('a template with', TEMPLATES, readTemplate),
  ...works('an archive with', ARCHIVES, extractToNowhere),
  ...works('a JSON body with', BODIES, async (body) => await Promise.resolve(readJson(body))),
  ...works('a search for many', SEARCHES, async (query) => await Promise.resolve(parseSearch(query, 'owner/name'))),
  ...works('a schedule of many', SCHEDULES, async (text) => await Promise.resolve(parseSchedule(text))),
]

function byUnit(units: readonly string[], input: (unit: string) => string): Readonly<Record<string, string>> {
  return Object.fromEntries(units.map((unit) => [unit, input(unit)]))
}

function works<Input>(
  kind: string,
  inputs: Readonly<Record<string, Input>>,
  read: (input: Input) => Promise<unknown>,
): [what: string, work: () => Promise<unknown>][] {
  // Most are refused, which is their cost.
  return Object.entries(inputs).map(([what, input]) => [`${kind} ${what}`, async () => await read(input).catch(() => undefined)])
}

async function extractToNowhere(archive: Uint8Array): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-costly-'))
  try {
    await extractArchive(archive, folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
