import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import { Failure } from '@berth/schema'
import { startStubServer, type StubServer } from '@berth/sdk/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { runBerth, temporaryFolder } from './run-berth.ts'

let stub: StubServer
const token = 'abcdefghij-0123456789012345678901'
const ada = ['--first-user-username', 'ada', '--first-user-email', 'ada@example.com', '--first-user-password', 'correct horse']

beforeEach(async () => {
  stub = await startStubServer()
  stub.on('sessions.login', () => ({ session_token: token }))
  stub.on('users.get', () => ({
    id: '00000000-0000-4000-8000-000000000001',
    username: 'ada',
    email: 'ada@example.com',
    created_at: '2026-11-24T09:00:00Z',
    last_seen_at: '2026-11-24T09:00:00Z',
    status: 'active',
    organization_ids: [],
    roles: [],
    avatar_url: '',
  }))
})
afterEach(() => stub.close())

function withoutUsers(): void {
  stub.on('users.hasFirst', () => {
    throw new Failure('first_user_missing')
  })
}

const asked = (operation: string) => stub.requests.filter((request) => request.operation === operation)
const bodyOf = (operation: string): unknown => asked(operation).map((request) => ('body' in request ? request.body : undefined))[0]

test('the first user is created from flags and logged in, and the session is stored', async () => {
  withoutUsers()
  const folder = join(await temporaryFolder(), 'deep', 'berth')
  const { code, stdout, stderr } = await runBerth(['login', `${stub.url}/`, ...ada, '--global-config', folder])
  expect({ code, stdout }).toEqual({ code: 0, stdout: `Welcome, ada! You are logged in to ${stub.url}.\n` })
  expect(stderr).toContain('has no users yet')
  expect(bodyOf('users.createFirst')).toEqual({ username: 'ada', email: 'ada@example.com', password: 'correct horse', trial: false })
  expect(bodyOf('sessions.login')).toEqual({ email: 'ada@example.com', password: 'correct horse' })
  expect(asked('users.get')[0]?.headers['coder-session-token']).toBe(token)
  expect(await readFile(join(folder, 'session'), 'utf8')).toBe(token)
  expect(await readFile(join(folder, 'url'), 'utf8')).toBe(stub.url)
  expect((await stat(join(folder, 'session'))).mode & 0o777).toBe(0o600)
  expect((await stat(join(folder, 'url'))).mode & 0o777).toBe(0o600)
  expect((await stat(folder)).mode & 0o027).toBe(0)
})

test('the first user is created from the environment, with either prefix', async () => {
  withoutUsers()
  const environment = {
    BERTH_URL: stub.url,
    CODER_FIRST_USER_USERNAME: 'ada',
    CODER_FIRST_USER_EMAIL: 'ada@example.com',
    BERTH_FIRST_USER_PASSWORD: 'correct horse',
    BERTH_CONFIG_DIR: await temporaryFolder(),
  }
  expect((await runBerth(['login'], { environment })).code).toBe(0)
  expect(bodyOf('users.createFirst')).toMatchObject({ username: 'ada', password: 'correct horse' })
})

test.each([
  ['--first-user-username', 'Username', ada.slice(2)],
  ['--first-user-email', 'E-mail address', [...ada.slice(0, 2), ...ada.slice(4)]],
  ['--first-user-password', 'Password', ada.slice(0, 4)],
])('without a terminal, a missing %s is an error that names it', async (flag, question, words) => {
  withoutUsers()
  const { code, stderr } = await runBerth(['login', stub.url, ...words])
  expect(code).toBe(1)
  expect(stderr).toContain(`Can't ask "${question}" without a terminal. Pass ${flag}.`)
  expect(asked('users.createFirst')).toEqual([])
})

test('a password of seven characters is refused before it is sent', async () => {
  withoutUsers()
  const { code, stderr } = await runBerth(['login', stub.url, ...ada.slice(0, 5), 'short12'])
  expect(code).toBe(1)
  expect(stderr).toContain('at least 8 characters')
  expect(asked('users.createFirst')).toEqual([])
})

test('a user logs in with a password from standard input, without the newline at its end', async () => {
  const folder = await temporaryFolder()
  const words = ['login', stub.url, '--email', 'ada@example.com', '--password-stdin', '--global-config', folder]
  expect((await runBerth(words, { stdin: ' pass word \n' })).code).toBe(0)
  expect(bodyOf('sessions.login')).toEqual({ email: 'ada@example.com', password: ' pass word ' })
  expect(await readFile(join(folder, 'session'), 'utf8')).toBe(token)
})

test('a token is tried before it is stored', async () => {
  const folder = await temporaryFolder()
  const good = await runBerth(['login', stub.url, '--token', 'given', '--global-config', folder])
  expect(good.code).toBe(0)
  expect(asked('users.get')[0]?.headers['coder-session-token']).toBe('given')
  stub.on('users.get', () => {
    throw new Failure('signed_out')
  })
  const bad = await runBerth(['login', stub.url, '--token', 'stale', '--global-config', folder])
  expect(bad.code).toBe(1)
  expect(bad.stderr).toBe(
    `${stub.url} refused the token in --token or BERTH_SESSION_TOKEN: it is wrong, has expired or was revoked. ` +
      `Pass another one, or leave it out and log in using 'berth login ${stub.url}'.\n`,
  )
  expect(await readFile(join(folder, 'session'), 'utf8')).toBe('given')
})

test("a wrong password is reported in the server's words, with what to do", async () => {
  verifies('berth:cli:refused-login')
  stub.on('sessions.login', () => {
    throw new Failure('incorrect_login')
  })
  const { code, stderr } = await runBerth(['login', stub.url, '--email', 'a@b.co', '--password-stdin'], { stdin: 'x' })
  expect(code).toBe(1)
  expect(stderr).toBe('Incorrect email or password. Check both and try again. An administrator can set a new password.\n')
})

test.each([['list'], ['ssh', 'dev']])('berth %s tells a wrong token from a session that has ended', async (...words) => {
  verifies('berth:cli:refused-login')
  stub.on('workspaces.list', refuseSession)
  stub.on('workspaces.getByOwnerAndName', refuseSession)
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'url'), stub.url)
  await writeFile(join(folder, 'session'), token)
  const environment = { BERTH_CONFIG_DIR: folder }
  const stored = await runBerth(words, { environment })
  expect(stored.stderr).toBe(
    `You are signed out or your session has expired. Please sign in again to continue. Try logging in using 'berth login ${stub.url}'.\n`,
  )
  const refused = `${stub.url} refused the token in --token or BERTH_SESSION_TOKEN: it is wrong,`
  expect((await runBerth(words, { environment: { ...environment, BERTH_SESSION_TOKEN: 'x' } })).stderr).toContain(refused)
  expect((await runBerth(['--token', 'x', ...words], { environment })).stderr).toContain(refused)
})

test('refused fields are listed', async () => {
  withoutUsers()
  stub.on('users.createFirst', () => {
    throw new Failure('validation_failed', { validations: [{ field: 'email', detail: 'is taken' }] })
  })
  const { stderr } = await runBerth(['login', stub.url, ...ada])
  expect(stderr).toContain('Validation failed.\n- email: is taken\n')
})

function refuseSession(): never {
  throw new Failure('signed_out')
}

/** Returns the URL of a server that has stopped. */
async function goneUrl(): Promise<string> {
  const gone = await startStubServer()
  await gone.close()
  return gone.url
}

test('a URL where nothing answers is an error with what to check', async () => {
  const url = await goneUrl()
  const { code, stderr } = await runBerth(['login', url])
  expect(code).toBe(1)
  expect(stderr).toContain(`No server answers at ${url}. Check that it is running`)
})

test('an invalid URL is an error that names it', async () => {
  const { code, stderr } = await runBerth(['login', 'http://'])
  expect(code).toBe(1)
  expect(stderr).toContain('"http://" is not the URL of a server.')
})

test('logging out ends the session and removes the stored one', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'url'), stub.url)
  await writeFile(join(folder, 'session'), `${token}\n`)
  const { code, stderr } = await runBerth(['logout', '-y', '--global-config', folder])
  expect({ code, stderr }).toEqual({ code: 0, stderr: 'You are logged out.\n' })
  expect(asked('sessions.logout')[0]?.headers['coder-session-token']).toBe(token)
  await expect(stat(join(folder, 'session'))).rejects.toThrow('ENOENT')
  await expect(stat(join(folder, 'url'))).rejects.toThrow('ENOENT')
})

test('logging out of a server that is gone is an error, and still removes the stored session', async () => {
  const folder = await temporaryFolder()
  const url = await goneUrl()
  await writeFile(join(folder, 'url'), url)
  await writeFile(join(folder, 'session'), token)
  const { code, stderr } = await runBerth(['logout', '-y', '--global-config', folder])
  expect(code).toBe(1)
  expect(stderr).toContain(`No server answers at ${url}.`)
  await expect(stat(join(folder, 'session'))).rejects.toThrow('ENOENT')
})

test.each([['list'], ['ssh', 'dev'], ['logout', '-y']])('without a session, berth %s says how to log in', async (...words) => {
  const { stderr } = await runBerth(words)
  expect(stderr).toBe("You are not logged in. Try logging in using 'berth login <url>'.\n")
})

test('a session is only sent to its own deployment', async () => {
  const folder = await temporaryFolder()
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'url'), 'http://127.0.0.1:1')
  await writeFile(join(folder, 'session'), token)
  const { code, stderr } = await runBerth(['list', '--url', stub.url, '--global-config', folder])
  expect(code).toBe(1)
  expect(stderr).toContain('You are not logged in.')
  expect(stub.requests).toEqual([])
})

test('the configuration folder is in XDG_CONFIG_HOME', async () => {
  const folder = await temporaryFolder()
  const environment = { XDG_CONFIG_HOME: folder }
  expect((await runBerth(['login', stub.url, '--token', 'given'], { environment })).code).toBe(0)
  expect(await readFile(join(folder, 'berth', 'session'), 'utf8')).toBe('given')
})

test('headers from --header go with every request', async () => {
  await runBerth(['login', stub.url, '--token', 'given', '--header', 'X-Team=a', '--header', 'X-Way=b'])
  expect(stub.requests.map(({ headers }) => [headers['x-team'], headers['x-way']])).toEqual(stub.requests.map(() => ['a', 'b']))
})
