import { spawn } from 'node:child_process'
import { Failure } from '@berth/schema'
import { startStubServer, type StubServer } from '@berth/sdk/testing'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { buildBerth } from './build-berth.ts'
import { workspace } from './fixtures.ts'
import { startBerth } from './start-berth.ts'
import { startStubWorkspace } from './stub-workspace.ts'

let build: Awaited<ReturnType<typeof buildBerth>>
beforeAll(async () => {
  build = await buildBerth()
})
afterAll(() => build.remove())

let stub: StubServer
beforeEach(async () => {
  stub = await startStubServer()
  stub.on('workspaces.getByOwnerAndName', () => workspace())
})
afterEach(() => stub.close())

const asked = (operation: string) => stub.requests.filter((request) => request.operation === operation)
const session = () => ({ BERTH_URL: stub.url, BERTH_SESSION_TOKEN: 'secret' })
const enter = '\r'
const ctrlC = '\u0003'

test('the process has the exit code and output of the command', async () => {
  const good = await startBerth(build.entry, ['version', '-o', 'json'])
  expect(await good.ended).toMatchObject({ code: 0, stderr: '' })
  const bad = await startBerth(build.entry, ['lsit'])
  expect(await bad.ended).toEqual({
    code: 1,
    stdout: '',
    stderr: `unknown command "lsit" for "berth". Did you mean "list"?\nRun 'berth --help' for usage.\n`,
  })
})

test('a reader that has seen enough is no error', async () => {
  const workspaces = Array.from({ length: 3000 }, (_, index) => workspace({ name: `w${index}` }))
  stub.on('workspaces.list', () => ({ workspaces, count: workspaces.length }))
  const child = spawn('/bin/sh', ['-c', '"$0" "$1" list | head -n 1', process.execPath, build.entry], {
    env: { PATH: process.env['PATH'], ...session() },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  await new Promise((resolve) => child.on('close', resolve))
  expect({ stdout, stderr }).toEqual({ stdout: expect.stringMatching(/^WORKSPACE .*\n$/) as string, stderr: '' })
})

describe('on a terminal', () => {
  test('the first user is asked for everything, and no password shows', async () => {
    stub.on('users.hasFirst', () => {
      throw new Failure('first_user_missing')
    })
    const berth = await startBerth(build.entry, ['login', stub.url], { terminal: true })
    await berth.prints('Username')
    berth.type(`\u0015ada${enter}`)
    await berth.prints('E-mail address')
    berth.type(`nonsense${enter}`)
    await berth.prints('Enter a valid e-mail address.')
    berth.type(`\u0015ada@example.com${enter}`)
    await berth.prints('Password')
    berth.type(`correct horse${enter}`)
    await berth.prints('Repeat the password')
    berth.type(`correct house${enter}`)
    await berth.prints("The passwords don't match.")
    berth.type(`\u0015correct horse${enter}`)
    const { code, stdout } = await berth.ended
    expect(code).toBe(0)
    expect(stdout).toContain('You are logged in to')
    expect(stdout).not.toMatch(/correct|horse/)
    expect(asked('users.createFirst')[0]).toMatchObject({ body: { username: 'ada', email: 'ada@example.com', password: 'correct horse' } })
  })

  test.each([
    ['no', `n`],
    ['Ctrl-C', ctrlC],
  ])('%s to a prompt exits with 1, silently and without doing anything', async (_, keys) => {
    const berth = await startBerth(build.entry, ['stop', 'dev'], { terminal: true, environment: session() })
    await berth.prints('Stop dev?')
    berth.type(keys)
    const { code, stdout } = await berth.ended
    expect(code).toBe(1)
    expect(stdout).not.toMatch(/[Cc]anceled|Error|error/)
    expect(stub.requests).toEqual([])
  })

  test.each([
    [[], {}, true],
    [['--no-color'], {}, false],
    [[], { NO_COLOR: '1' }, false],
    [[], { TERM: 'dumb' }, false],
  ])('with %j and %j, errors in color: %s', async (flags, environment, isColored) => {
    const berth = await startBerth(build.entry, ['list', ...flags], { terminal: true, environment })
    const { stdout } = await berth.ended
    expect(stdout).toContain('You are not logged in.')
    expect(stdout.includes('\u001B[31m')).toBe(isColored)
  })

  test('a shell in a workspace gets every key, and its exit code is passed on', async () => {
    const far = await startStubWorkspace()
    try {
      const environment = { BERTH_URL: far.url, BERTH_SESSION_TOKEN: 'secret', TERM: 'screen' }
      const berth = await startBerth(build.entry, ['ssh', 'dev'], { terminal: true, environment })
      berth.type('echo in-$((40 + 2))\n')
      await berth.prints('in-42')
      berth.type('exit 3\n')
      expect((await berth.ended).code).toBe(3)
      expect(far.seen.term).toBe('screen')
    } finally {
      await far.close()
    }
  })
})
