import { describe, expect, test } from 'vitest'
import { defineCommand, outputFlag, rest, text, toggle, word, type CommandGroup } from '../src/command.ts'
import { completeUrl } from '../src/commands/login.ts'
import { describeDuration, describeElapsed, parseDuration } from '../src/durations.ts'
import { UsageError } from '../src/failures.ts'
import { parseParameters } from '../src/parameter-file.ts'
import { parseWords } from '../src/parse-words.ts'
import { readArguments, readFlags } from '../src/read-input.ts'
import { headersOf } from '../src/settings.ts'
import { parseTarget } from '../src/ssh/choose-agent.ts'
import { editDistance, nearestWord } from '../src/suggest.ts'
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
  test('words after -- are words, whatever they look like', () => {
    const { words, path } = parse('try', 'dev', '--', 'ls', '-la', '--all')
    expect(path).toEqual(['try'])
    expect(readArguments(command.args, words)).toEqual({ first: 'dev', others: ['ls', '-la', '--all'] })
  })

  test('flags of every command stand before or after its words', () => {
    expect(parse('--url', 'http://a', 'try', 'x').globals['url']).toEqual(['http://a'])
    expect(parse('try', 'x', '--url', 'http://a').globals['url']).toEqual(['http://a'])
    expect(parse('things', '--no-color', 'list', 'x').globals['noColor']).toBe(true)
    expect(parse('try', 'x').globals['noColor']).toBeUndefined()
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
  ])('%j asks for the help of %j', (words, path) => {
    expect(parseWords(tree, words)).toMatchObject({ kind: 'help', path })
    expect(parse('try', 'x', '--', '--help').words).toEqual(['x', '--help'])
  })

  test('aliases lead to the same command', () => {
    expect(parse('thing', 'ls', 'x').path).toEqual(['things', 'list'])
  })

  test.each([
    [['tyr'], 'unknown command "tyr" for "berth". Did you mean "try"?'],
    [['things', 'lost'], 'unknown command "lost" for "berth things". Did you mean "list"?'],
    [['things', 'quux'], 'unknown command "quux" for "berth things".'],
    [['try', 'x', '--al'], 'Unknown flag --al. Did you mean "--all"?'],
    [['try', 'x', '-q'], 'Unknown flag -q.'],
    [['--all', 'try', 'x'], 'Unknown flag --all.'],
    [['try'], 'Missing argument <first>.'],
    [['things', 'list'], 'Missing argument <first>.'],
    [['one', 'x', 'y'], 'Unexpected argument "y".'],
    [['try', 'x', '--template'], '--template needs a value: --template <value>.'],
    [['try', 'x', '-at'], '-t needs a value: -t <value>.'],
    [['try', 'x', '--all=no'], '--all takes no value.'],
  ])('%j is refused with its reason', (words, message) => {
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

  test('a word that is no choice is refused', () => {
    expect(() => readFlags(flags, { output: ['yaml'] }, {})).toThrow('--output can\'t be "yaml". It is one of: table, json.')
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

test.each(['', 'soon', '1h 30m', '-5m', '1x', '5mh'])('"%s" is no duration', (words) => {
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
])('%s is taken apart', (words, target) => {
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
    ['list:\n  - a', 'p:2: "- a" is not "name: value".'],
    ['key: |\n  text', 'p:1: "key: |" is not "name: value".'],
    ['key: "open', 'p:1: "key: "open" is not "name: value".'],
    ['{"a": {}}', 'p: the value of "a" is neither text nor number nor true nor false.'],
    ['{"a"', 'p is not JSON: '],
  ])('%j is refused with its place', (content, message) => {
    expect(() => parseParameters(content, 'p')).toThrow(message)
  })
})

describe('suggestions', () => {
  test.each([
    ['list', 'list', 0],
    ['lsit', 'list', 1],
    ['templtes', 'templates', 1],
    ['', 'abc', 3],
  ])('%s and %s are %d apart', (from, to, distance) => {
    expect(editDistance(from, to)).toBe(distance)
    expect(editDistance(to, from)).toBe(distance)
  })

  test('a far word suggests nothing', () => {
    expect(nearestWord('frobnicate', ['list', 'stop'])).toBeUndefined()
    expect(nearestWord('x'.repeat(100_000), ['list'])).toBeUndefined()
  })
})

describe('tables', () => {
  const columns = [
    { name: 'name', cell: (row: { name: string; size: string }) => row.name },
    { name: 'disk size', cell: (row: { name: string; size: string }) => row.size },
    { name: 'id', cell: () => '1', optional: true },
  ]

  test('columns line up, wide characters and all, and lines end without blanks', () => {
    const rows = [
      { name: '日本', size: '' },
      { name: 'a', size: '10' },
    ]
    expect(renderTable(rows, chooseColumns(columns, []))).toBe('NAME  DISK SIZE\n日本\na     10')
  })

  test('columns are chosen without regard to case, with _ for a blank', () => {
    expect(chooseColumns(columns, ['ID,Disk_Size']).map(({ name }) => name)).toEqual(['id', 'disk size'])
    expect(() => chooseColumns(columns, ['age'])).toThrow('There is no column "age". Columns are: name, disk size, id.')
  })
})

describe('text from elsewhere', () => {
  test('loses what a terminal would obey', () => {
    expect(safeText('\u001B]0;title\u0007a\u001B[2Jb\rc\u009B31md\ne\tf')).toBe('abcd\ne\tf')
  })

  test('is measured and cut by columns', () => {
    expect(displayWidth('a日e\u0301')).toBe(4)
    expect(clipText('日本語', 5)).toBe('日本…')
    expect(clipText('abc', 3)).toBe('abc')
  })
})
