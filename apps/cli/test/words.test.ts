import { verifies } from '@berth/requirements'
import { describe, expect, test } from 'vitest'
import { defineCommand, rest, verbatimRest, word, type CommandGroup } from '../src/command.ts'
import { completeUrl } from '../src/commands/login.ts'
import { describeDuration, describeElapsed, parseDuration } from '../src/durations.ts'
import { UsageError } from '../src/failures.ts'
import { outputFlag, text, toggle } from '../src/flags.ts'
import { parseParameters } from '../src/parameters/parameter-file.ts'
import { parseWords } from '../src/parsing/parse-words.ts'
import { readArguments, readFlags } from '../src/parsing/read-input.ts'
import { headersOf } from '../src/settings.ts'
import { parseTarget } from '../src/ssh/choose-agent.ts'
import { clipText, displayWidth, safeText } from '../src/terminal/safe-text.ts'
import { chooseColumns, renderTable } from '../src/terminal/table.ts'

const flags = {
  template: text('Template', { short: 't', variable: 'TEMPLATE_NAME' }),
  all: toggle('All', { short: 'a' }),
  output: outputFlag,
}
const command = defineCommand({ summary: 'Try', args: { first: word('One'), others: rest('More') }, flags, run: () => Promise.resolve() })
const tree: CommandGroup = {
  summary: 'Test',
  commands: {
    try: command,
    one: { ...command, args: { first: word('One') } },
    run: { ...command, aliases: ['--run'], args: { first: word('One'), others: verbatimRest('Command') } },
    things: { summary: 'Things', aliases: ['thing'], commands: { list: { ...command, aliases: ['ls'] } } },
  },
}

function parse(...words: string[]) {
  const parsed = parseWords(tree, words)
  if (parsed.kind === 'help') throw new Error('help was shown')
  return parsed
}

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof UsageError) return error.message
    throw error
  }
  return ''
}

describe('parsing', () => {
  test('words after -- are arguments, whatever they look like', () => {
    const { words, path } = parse('try', 'dev', '--', 'ls', '-la', '--all')
    expect(path).toEqual(['try'])
    expect(readArguments(command.args, words)).toEqual({ first: 'dev', others: ['ls', '-la', '--all'] })
  })

  test.each([
    [['run', 'dev', 'ls', '-la', '--all'], ['dev', 'ls', '-la', '--all'], {}],
    [['run', '-a', 'dev', 'ls', '-t'], ['dev', 'ls', '-t'], { all: true }],
    [['run', 'dev', '-at', 'x', 'ls', '--help'], ['dev', 'ls', '--help'], { all: true, template: ['x'] }],
    [['run', 'dev', '--', 'ls', '--all'], ['dev', 'ls', '--all'], {}],
    [['run', '--', 'dev', 'ls', '-a'], ['dev', 'ls', '-a'], {}],
    [['run', 'dev', 'git', 'log', '--', '-v', '--'], ['dev', 'git', 'log', '--', '-v', '--'], {}],
    [['run', 'dev', '-a'], ['dev'], { all: true }],
  ])('%j runs %j, which keeps its flags', (typed, words, given) => {
    verifies('berth:cli:ssh-words')
    expect(parse(...typed)).toMatchObject({ words, given })
    expect(Object.keys(parse(...typed).given)).toEqual(Object.keys(given))
  })

  test('an alias may look like a flag', () => {
    expect(parse('--run', 'dev').path).toEqual(['run'])
    expect(parse('--no-color', '--run', 'dev').path).toEqual(['run'])
    expect(refusal(() => parseWords(tree, ['things', '--run']))).toBe('Unknown flag --run.')
  })

  test('global flags can come before or after the words of a command', () => {
    expect(parse('--url', 'http://a', 'try', 'x').globals['url']).toEqual(['http://a'])
    expect(parse('try', 'x', '--url', 'http://a').globals['url']).toEqual(['http://a'])
    expect(parse('things', '--no-color', 'list', 'x').globals['noColor']).toBe(true)
    expect(parse('try', 'x').globals['noColor']).toBeUndefined()
    expect(parse('--header', 'A=1', 'try', 'x', '--header', 'B=2').globals['header']).toEqual(['A=1', 'B=2'])
  })

  test.each([
    [['-t', 'a'], { template: ['a'] }],
    [['-ta'], { template: ['a'] }],
    [['--template=a=b'], { template: ['a=b'] }],
    [['--template', '-a'], { template: ['-a'] }],
    [['-t', 'a', '--template', 'b'], { template: ['a', 'b'] }],
    [['-at', 'x'], { all: true, template: ['x'] }],
    [['--all', '--all'], { all: true }],
  ])('flags may be written %j', (typed, given) => {
    expect(parse('try', ...typed, 'dev')).toMatchObject({ given, words: ['dev'] })
    expect(parse('try', 'dev', ...typed)).toMatchObject({ given, words: ['dev'] })
  })

  test.each([
    [['--help'], []],
    [['things', '-h'], ['things']],
    [['try', '--help'], ['try']],
    [['try', '--unknown', '--help', 'x'], ['try']],
    [
      ['thing', 'ls', '--help'],
      ['things', 'list'],
    ],
    [
      ['--help', 'things', 'list', '--unknown'],
      ['things', 'list'],
    ],
    [['-h', 'things'], ['things']],
    [['run', 'dev', '--help'], ['run']],
  ])('%j asks for the help of %j', (words, path) => {
    expect(parseWords(tree, words)).toMatchObject({ kind: 'help', path })
    expect(parse('try', 'x', '--', '--help').words).toEqual(['x', '--help'])
  })

  test('aliases lead to the same command', () => {
    expect(parse('thing', 'ls', 'x').path).toEqual(['things', 'list'])
  })

  test.each([
    [['tyr'], 'unknown command "tyr" for "berth". Did you mean "try"?'],
    [['TRY'], 'unknown command "TRY" for "berth". Did you mean "try"?'],
    [['thin'], 'unknown command "thin" for "berth". Did you mean "things"?'],
    [[''], 'unknown command "" for "berth".'],
    [['frobnicate'], 'unknown command "frobnicate" for "berth".'],
    [['x'.repeat(100_000)], `unknown command "${'x'.repeat(100_000)}" for "berth".`],
    [['things', 'lost'], 'unknown command "lost" for "berth things". Did you mean "list"?'],
    [['things', 'quux'], 'unknown command "quux" for "berth things".'],
    [['try', 'x', '--al'], 'Unknown flag --al. Did you mean "--all"?'],
    [['try', 'x', '--tempalte'], 'Unknown flag --tempalte. Did you mean "--template"?'],
    [['try', 'x', '-q'], 'Unknown flag -q.'],
    [['--all', 'try', 'x'], 'Unknown flag --all.'],
    [['try'], 'Missing argument <first>.'],
    [['things', 'list'], 'Missing argument <first>.'],
    [['one', 'x', 'y'], 'Unexpected argument "y".'],
    [['try', 'x', '--template'], '--template needs a value: --template <value>.'],
    [['try', 'x', '-at'], '-t needs a value: -t <value>.'],
    [['try', 'x', '--all=no'], '--all takes no value.'],
    [['quux', '--help'], 'unknown command "quux" for "berth".'],
    [['--help', 'quux'], 'unknown command "quux" for "berth".'],
    [['quux', '--bogus', '-h'], 'unknown command "quux" for "berth".'],
    [['things', 'quux', '--bogus', '--help'], 'unknown command "quux" for "berth things".'],
  ])('%j is refused with the reason', (words, message) => {
    expect(refusal(() => parseWords(tree, words))).toBe(message)
  })
})

describe('flags', () => {
  const environment = { BERTH_TEMPLATE_NAME: 'b', CODER_TEMPLATE_NAME: 'c' }
  test.each([
    [['a'], environment, 'a'],
    [undefined, environment, 'b'],
    [undefined, { CODER_TEMPLATE_NAME: 'c' }, 'c'],
    [undefined, { BERTH_TEMPLATE_NAME: '', CODER_TEMPLATE_NAME: 'c' }, 'c'],
    [undefined, {}, undefined],
  ])('given %j and %j, the value is %j', (given, variables, expected) => {
    expect(readFlags(flags, { template: given }, variables)['template']).toBe(expected)
  })

  test('a value that is not one of the choices is refused', () => {
    expect(() => readFlags(flags, { output: ['yaml'] }, {})).toThrow('"yaml" isn\'t a valid value for --output. Use one of: table, json.')
  })

  test('headers are split at the first equals sign', () => {
    expect(headersOf(['X-Team=a=b', 'Y=1'])).toEqual({ 'X-Team': 'a=b', Y: '1' })
    expect(() => headersOf(['nothing'])).toThrow('--header takes Name=Value, not "nothing".')
    expect(() => headersOf(['bad name=1'])).toThrow(UsageError)
  })
})

test.each([
  ['8h', 28_800_000],
  ['1h30m', 5_400_000],
  ['45', 2_700_000],
  ['0', 0],
  ['2d', 172_800_000],
  ['1.5h', 5_400_000],
  ['250ms', 250],
])('the duration %s is %d ms', (words, ms) => {
  expect(parseDuration(words)).toBe(ms)
})

test.each(['', 'soon', '1h 30m', '-5m', '1x', '5mh'])('"%s" is not a duration', (words) => {
  expect(() => parseDuration(words)).toThrow(UsageError)
})

test.each([
  [28_800_000, '8h'],
  [5_400_000, '1h30m'],
  [90_000, '1m30s'],
  [340, '340ms'],
  [86_400_000 + 3_600_000 + 60_000, '1d1h'],
])('%d ms is written %s', (ms, words) => {
  expect(describeDuration(ms)).toBe(words)
})

test('what describeDuration writes in whole seconds, parseDuration reads', () => {
  for (const ms of [1000, 59_000, 60_000, 3_599_000, 3_600_000, 90_000_000]) expect(parseDuration(describeDuration(ms))).toBe(ms)
})

test('elapsed time has a decimal above a second', () => {
  expect([12.4, 1449, 125_000].map(describeElapsed)).toEqual(['12ms', '1.4s', '2m5s'])
})

test.each([
  ['berth.example.com', 'https://berth.example.com'],
  ['localhost:3000', 'http://localhost:3000'],
  ['127.0.0.1', 'http://127.0.0.1'],
  ['localhost.example.com', 'https://localhost.example.com'],
  ['http://berth.example.com/prefix', 'http://berth.example.com/prefix'],
])('%s is completed to %s', (typed, url) => {
  expect(completeUrl(typed)).toBe(url)
})

test.each([
  ['dev', { workspace: 'dev', agent: undefined }],
  ['dev.main', { workspace: 'dev', agent: 'main' }],
  ['ada/dev.main', { workspace: 'ada/dev', agent: 'main' }],
])('%s is parsed', (words, target) => {
  expect(parseTarget(words)).toEqual(target)
})

describe('parameter files', () => {
  test('a YAML map of one level', () => {
    const yaml = "---\n# where\nregion: eu-west  # near\nsize: \"10 \\\"GB\\\"\"\nit's: 'it''s'\nurl: https://x.example/#a\nempty:\n\n"
    expect(parseParameters(yaml, 'p.yaml')).toEqual({
      region: 'eu-west',
      size: '10 "GB"',
      "it's": "it's",
      url: 'https://x.example/#a',
      empty: '',
    })
  })

  test('a JSON object, with values of more than one line', () => {
    expect(parseParameters('{"key": "a\\nb", "count": 3, "on": true}', 'p.json')).toEqual({ key: 'a\nb', count: '3', on: 'true' })
  })

  test.each([
    ['list:\n  - a', 'p:2: expected "name: value", not "- a".'],
    ['key: |\n  text', 'p:1: expected "name: value", not "key: |".'],
    ['key: "open', 'p:1: expected "name: value", not "key: "open".'],
    ['{"a": {}}', 'p: the value of "a" must be a string, a number or a boolean.'],
    ['{"a"', "p isn't valid JSON: "],
  ])('%j is refused with its line', (content, message) => {
    expect(() => parseParameters(content, 'p')).toThrow(message)
  })
})

describe('tables', () => {
  const columns = [
    { name: 'name', cell: (row: { name: string; size: string }) => row.name },
    { name: 'disk size', cell: (row: { name: string; size: string }) => row.size },
    { name: 'id', cell: () => '1', optional: true },
  ]

  test('columns line up, even with wide characters, and lines end without spaces', () => {
    const rows = [
      { name: '日本', size: '' },
      { name: 'a', size: '10' },
    ]
    expect(renderTable(rows, chooseColumns(columns, []))).toBe('NAME  DISK SIZE\n日本\na     10')
  })

  test('columns are chosen ignoring case, with _ for a space', () => {
    expect(chooseColumns(columns, ['ID,Disk_Size']).map(({ name }) => name)).toEqual(['id', 'disk size'])
    expect(() => chooseColumns(columns, ['age'])).toThrow('There is no column "age". Use one of: name, disk size, id.')
  })
})

describe('foreign text', () => {
  test('loses its control characters', () => {
    expect(safeText('\u001B]0;title\u0007a\u001B[2Jb\rc\u009B31md\ne\tf')).toBe('abcd\ne\tf')
  })

  test('is measured and cut in columns', () => {
    expect(displayWidth('a日e\u0301')).toBe(4)
    expect(clipText('日本語', 5)).toBe('日本…')
    expect(clipText('abc', 3)).toBe('abc')
  })
})
