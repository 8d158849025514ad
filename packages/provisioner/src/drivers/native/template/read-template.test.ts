import { verifies } from '@berth/requirements'
import { describe, expect, test } from 'vitest'
import { readTemplate } from './read-template.ts'
import { TemplateError } from './template-error.ts'

async function problemsOf(text: string): Promise<string[]> {
  try {
    await readTemplate(text)
  } catch (error) {
    if (error instanceof TemplateError) return error.message.split('\n')
    throw error
  }
  return []
}

const least = 'local: {}\nagents:\n  - name: main\n'

test('a minimal template is read', async () => {
  expect(await readTemplate(least)).toEqual({ file: { local: {}, agents: [{ name: 'main' }] }, runtime: 'local' })
})

test('the block of a runtime without settings may be empty', async () => {
  expect((await readTemplate('local:\nagents: [{ name: main }]')).runtime).toBe('local')
})

test('a filled value is the text as written in the file', async () => {
  const { file } = await readTemplate(
    `${least}    env: { PORT: 8080, VERSION: 1.10, ON: true, TEXT: "x" }\nmetadata: [{ key: a, value: 007 }]\n`,
  )
  expect(file.agents[0]?.env).toEqual({ PORT: '8080', VERSION: '1.10', ON: 'true', TEXT: 'x' })
  expect(file.metadata).toEqual([{ key: 'a', value: '007' }])
})

const onKubernetes = (agents: string): string => `kubernetes: { namespace: a, image: b }\nagents: [${agents}]`

describe('a problem names its place and what to do', () => {
  test.each([
    ['an unknown key', `${least}agnets: []\n`, '4:1: unknown key "agnets"; did you mean "agents"?'],
    [
      'a key like no other',
      `local: {}\nagents:\n  - name: main\n    zzz: 1\n`,
      '4:5: unknown key "zzz"; the known keys are: name, os, arch, directory, env, startup_script, connection_timeout, troubleshooting_url, motd_file, apps',
    ],
    [
      'a setting where there are none',
      'local: { image: x }\nagents: [{ name: main }]',
      '1:10: unknown key "image"; nothing can be set here, remove it',
    ],
    ['a later runtime', 'docker: {}\nagents: [{ name: main }]', '1:1: this version has no runtime "docker"; it has: local, kubernetes'],
    ['no runtime', 'agents: [{ name: main }]', '1:1: the runtime is missing; add one of: local, kubernetes'],
    [
      'two runtimes',
      `${least}kubernetes: { namespace: a, image: b }`,
      '4:13: the template already has the runtime local; remove one of the two',
    ],
    ['no agents', 'local: {}', '1:1: "agents" is missing from "template.yaml"; add it'],
    ['an empty list of agents', 'local: {}\nagents: []', '2:9: "agents" needs 1 or more entries'],
    ['an agent without a name', 'local: {}\nagents:\n  - os: linux', '3:5: "name" is missing from "an entry of agents"; add it'],
    ['an empty file', '', '1:1: "template.yaml" is empty; it must be a map of keys and values'],
    ['a list for a map', '- a', '1:1: "template.yaml" is a list; it must be a map of keys and values'],
    ['a map for a list', 'local: {}\nagents: { main: {} }', '2:9: "agents" is a map; it must be a list'],
    ['a number for text', `name: 5\n${least}`, '1:7: "name" is "5"; it must be text, so write it with quotes: "5"'],
    ['text for a number', `daily_cost: much\n${least}`, '1:13: "daily_cost" is "much"; it must be a whole number'],
    ['a number out of bounds', `daily_cost: -1\n${least}`, '1:13: "daily_cost" is "-1"; it must be between 0 and 2147483647'],
    [
      'a word out of a few',
      'local: {}\nagents: [{ name: main, os: beos }]',
      '2:28: "os" is "beos"; it must be one of: linux, darwin, windows',
    ],
    ['a value left empty', `description:\n${least}`, '1:13: "description" is empty; give it a value or remove it'],
    [
      'an invalid variable name',
      `${least}    env: { "A B": x }`,
      `4:12: "A B" isn't a valid name here; it must match ^[a-zA-Z_][a-zA-Z0-9_]*$`,
    ],
    ['a bad slug', `${least}    apps: [{ slug: A--b, url: x }]`, '4:20: "slug" is "A--b"; it must match ^[a-z0-9](-?[a-z0-9])*$'],
    ['a duplicate key', `${least}local: {}\n`, '4:1: this key already exists; remove one of the two'],
    ['an alias', 'local: &x {}\nagents: [{ name: main, env: *x }]', "2:29: aliases (*name) aren't supported; write the value out"],
    ['an app that opens nothing', `${least}    apps: [{ slug: web }]`, '4:12: the app has neither a url nor a command; add one'],
    [
      'a command and a url',
      `${least}    apps: [{ slug: web, url: x, command: y }]`,
      '4:42: the app already has a url; remove one of the two',
    ],
    ['a duplicate agent', 'local: {}\nagents: [{ name: a }, { name: a }]', '2:31: duplicate agent "a"; give each a unique name'],
    [
      'a duplicate app slug in another agent',
      'local: {}\nagents:\n  - { name: a, apps: [{ slug: w, url: x }] }\n  - { name: b, apps: [{ slug: w, url: x }] }',
      '4:31: duplicate app slug "w"; give each a unique name',
    ],
    [
      'a duplicate metadata key',
      `${least}metadata: [{ key: a, value: 1 }, { key: a, value: 2 }]`,
      '4:41: duplicate key "a"; give each a unique name',
    ],
  ])('%s', async (_, text, problem) => {
    expect(await problemsOf(text)).toEqual([`template.yaml:${problem}`])
  })

  test.each([
    ['no image', 'kubernetes: { namespace: a }\nagents: [{ name: a }]', '1:13: "image" is missing from "kubernetes"; add it'],
    ['another operating system', onKubernetes('{ name: a, os: windows }'), '2:25: workspaces on Kubernetes run Linux; remove os'],
    [
      'agents for different processors',
      onKubernetes('{ name: a }, { name: b, arch: arm64 }'),
      '2:40: all agents of a workspace on Kubernetes run on the same node; give them the same arch',
    ],
    [
      'names that differ only in case',
      onKubernetes('{ name: a }, { name: A }'),
      `2:31: agents "a" and "A" differ only in case, which container names can't; rename one`,
    ],
    ['a duplicate agent', onKubernetes('{ name: A }, { name: A }'), '2:31: duplicate agent "A"; give each a unique name'],
    [
      'a reference to nothing',
      'kubernetes: { namespace: "${{ parameters.x }}", image: b }\nagents: [{ name: a }]',
      '1:27: ${{ parameters.x }} refers to an unknown parameter; the template has no parameters',
    ],
  ])('on Kubernetes: %s', async (_, text, problem) => {
    expect(await problemsOf(text)).toEqual([`template.yaml:${problem}`])
  })

  const parameter = (text: string): string => `parameters:\n  - { name: p, ${text} }\n${least}`

  test.each([
    ['type: number, default: "3"', `2:39: "3" isn't a number; write a number without quotes, or change the type`],
    ['default: 3', `2:25: 3 isn't a string; write "3" with quotes, or change the type`],
    ['type: bool, default: maybe', `2:37: "maybe" isn't a bool; write true or false without quotes, or change the type`],
    ['options: [{ name: A, value: a }], default: b', '2:59: the default is "b"; it must be one of: a'],
    ['options: [{ name: A, value: a }, { name: B, value: a }]', '2:67: duplicate option "a"; give each a unique name'],
    ['type: number, options: [{ name: A, value: a }]', `2:58: "a" isn't a number; write a number without quotes, or change the type`],
    ['validation: { regex: "(" }', '2:37: the regular expression is invalid: missing closing ): `(`; correct it'],
    [
      'validation: { regex: "^a(?=b)" }',
      "2:37: the regular expression is invalid: invalid or unsupported Perl syntax: `(?=`: look-around and back-references aren't supported; correct it",
    ],
    [
      'validation: { regex: "[a-z]{1,1000}" }',
      '2:37: the regular expression is invalid: it has 2001 instructions, more than 1024; a repetition such as {1,1000} counts each time; correct it',
    ],
    ['options: [us, eu], default: de', '2:44: the default is "de"; it must be one of: us, eu'],
    ['options: [us, 2]', '2:30: 2 isn\'t a string; write "2" with quotes, or change the type'],
    ['options: [us, us]', '2:30: duplicate option "us"; give each a unique name'],
    ['options: [[us]]', '2:26: "an entry of options" is a list; it must be a single value or a map of keys and values'],
    ['type: number, validation: { regex: a }', "2:51: a number can't have a regex; remove it"],
    ['validation: { min: 1 }', "2:35: a string can't have a min; set type: number or remove it"],
    ['type: number, validation: { min: 2, max: 1 }', '2:49: min is greater than max; swap them'],
    ['type: number, default: 9, validation: { max: 5 }', '2:39: the default is "9"; it must be 5 or less'],
    ['default: x, validation: { regex: "^[0-9]+$", error: only digits }', '2:25: the default is "x"; only digits'],
  ])('a parameter with %s', async (text, problem) => {
    expect(await problemsOf(parameter(text))).toEqual([`template.yaml:${problem}`])
  })

  test('a duplicate parameter', async () => {
    expect(await problemsOf(`parameters: [{ name: p }, { name: p }]\n${least}`)).toEqual([
      'template.yaml:1:35: duplicate parameter "p"; give each a unique name',
    ])
  })
})

test('all problems are reported at once, in the order of the file', async () => {
  const text = `nmae: x
parameters:
  - name: size
    type: nubmer
local: {}
agents:
  - name: main
    startup_script: |
      echo one
      echo "\${{ parameters.sise }}" $\${{ kept }}
      echo \${{ workspace.nam }} \${{ parameters.size }}
    directory: "a\\tb \${{ oops }}"
    apps:
      - slug: web
`
  expect(await problemsOf(text)).toEqual([
    'template.yaml:1:1: unknown key "nmae"; did you mean "name"?',
    'template.yaml:4:11: "type" is "nubmer"; it must be one of: string, number, bool',
    'template.yaml:10:13: ${{ parameters.sise }} refers to an unknown parameter; the parameters are: size',
    'template.yaml:11:12: ${{ workspace.nam }} refers to nothing; a workspace has: name, id, owner, owner_id, owner_email, transition, access_url',
    "template.yaml:12:22: ${{ oops }} isn't a valid reference; write ${{ parameters.name }} or ${{ workspace.name }}, or $${{ for a literal ${{",
    'template.yaml:14:9: the app has neither a url nor a command; add one',
  ])
})

test('at most 25 problems are listed, and the rest are counted', async () => {
  const text = `${least}${Array.from({ length: 40 }, (_, index) => `key${index}: 1\n`).join('')}`
  expect(await problemsOf(text)).toHaveLength(26)
  expect((await problemsOf(text)).at(-1)).toBe('and 15 more')
})

test('a bad escape sequence is refused', async () => {
  expect(await problemsOf(`a: "\\\\ \\n \\x41 \\u00e9 \\U0001f600 \\q \\q"`)).toEqual([
    'template.yaml:1:34: this is no escape sequence; write \\\\ for a backslash, or use single quotes',
  ])
  expect(await problemsOf(`a: "\\UFFFFFFFF"`)).toHaveLength(1)
})

test('reading ends at a number of problems that nobody reads', async () => {
  const text = `${least}    directory: ${'${{ '.repeat(1_000)}`
  expect((await problemsOf(text)).at(-1)).toBe('and at least 175 more')
})

test.each([
  ['truncated YAML', 'local: {\nagents'],
  ['a tab for indentation', 'local:\n\t- x'],
  ['two documents', `${least}---\n${least}`],
  ['an unknown tag', 'local: !!js/function "x"\nagents: [{ name: a }]'],
  ['very deep nesting', `a: ${'['.repeat(100_000)}`],
])('%s is a problem with a place, not a crash', async (_, text) => {
  const problems = await problemsOf(text)
  expect(problems.length).toBeGreaterThan(0)
  for (const problem of problems.slice(0, 25)) expect(problem).toMatch(/^template\.yaml:\d+:\d+: .+/)
})

test('an oversized file is refused', async () => {
  verifies('berth:templates:bounded')
  expect(await problemsOf(`# ${'x'.repeat(256 * 1024)}`)).toEqual([
    'template.yaml:1:1: the file is longer than 262144 characters; shorten it',
  ])
})

test('property names that JavaScript reserves are ordinary unknown keys', async () => {
  expect(await problemsOf(`${least}__proto__: { local: {} }\nconstructor: 1\n`)).toHaveLength(2)
})

describe('a file that is costly to read is refused before nodes are built', () => {
  test.each([
    ['20 000 keys', Array.from({ length: 20_000 }, (_, index) => `k${index}:`).join('\n'), 'the file has more than 20000 YAML tokens'],
    ['lists in lists', '['.repeat(256 * 1024), 'values nest more than 64 deep; flatten them'],
    ['maps in maps', '{a: '.repeat(60_000), 'values nest more than 64 deep; flatten them'],
    ['lists in lists on one line', '- '.repeat(120_000), 'values nest more than 64 deep; flatten them'],
    ['keys of keys', '? '.repeat(120_000), 'values nest more than 64 deep; flatten them'],
    ['aliases', `[${'*a,'.repeat(80_000)}]`, 'the file has more than 20000 YAML tokens'],
  ])('%s', async (_, text, message) => {
    verifies('berth:templates:bounded')
    const problems = await problemsOf(text)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(/^template\.yaml:[0-9]+:[0-9]+: /)
    expect(problems[0]).toContain(message)
  })
})

test('a duplicate is found among 2500 keys', async () => {
  const keys = Array.from({ length: 2500 }, (_, index) => `k${index}: 1`).join('\n')
  expect(await problemsOf(`k2499: 0\n${keys}`)).toContain('template.yaml:2501:1: this key already exists; remove one of the two')
})
