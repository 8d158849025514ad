import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { configHelp } from '../src/settings/config-help.ts'
import { createTestDatabase, type TestDatabase } from './database/create-test-database.ts'
import { eventually } from './eventually.ts'
import { rawRequest } from './raw-request.ts'
import { FIRST_USER } from './start-test-server.ts'

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url))

let database: TestDatabase
let directory: string
beforeAll(async () => {
  database = await createTestDatabase()
  directory = await mkdtemp(join(tmpdir(), 'berth-process-'))
})
afterAll(async () => {
  await database.drop()
  await rm(directory, { recursive: true, force: true })
})

interface RunningProcess {
  readonly child: ChildProcess
  /** Everything it has written so far. */
  out(): string
  err(): string
  /** Resolves with the exit code. */
  readonly ended: Promise<number | null>
}

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

function start(settings: Readonly<Record<string, string>> = {}, flags: readonly string[] = []): RunningProcess {
  const child = spawn(process.execPath, [MAIN, ...flags], {
    env: {
      PATH: process.env['PATH'],
      HOME: directory,
      BERTH_HTTP_ADDRESS: '127.0.0.1:0',
      BERTH_PG_CONNECTION_URL: database.url,
      BERTH_DATA_DIR: join(directory, 'data'),
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text))
  const ended = once(child, 'close').then(([code]) => code as number | null)
  return { child, out: () => out, err: () => err, ended }
}

/** Where it says it is; fails with what it wrote when it ends instead. */
async function announced(server: RunningProcess): Promise<string> {
  return await eventually(
    async () => {
      if (server.child.exitCode !== null) throw new Error(`It ended: ${server.err()}`)
      return /is up at (\S+)/.exec(server.out())?.[1]
    },
    { timeoutMs: 25_000 },
  )
}

/** The lines of the log, each of which is a JSON document. */
function logOf(server: RunningProcess): Record<string, unknown>[] {
  return server
    .err()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('it announces itself, is healthy, logs JSON with a request id and no token, and ends with 0 on SIGTERM', async () => {
  verifies('berth:server:external-postgres', 'berth:server:request-id-in-logs', 'rulings:tokens-not-logged')
  const server = start({ BERTH_LOG_LEVEL: 'trace' })
  const url = await announced(server)
  expect(server.out()).toContain('Nobody has signed in yet.')
  expect((await rawRequest(url, 'GET //healthz')).text).toBe('OK')

  await rawRequest(url, 'POST /users/first', { body: FIRST_USER })
  const login = await rawRequest(url, 'POST /users/login', { body: FIRST_USER })
  const { session_token: token } = login.json as { session_token: string }
  const me = await rawRequest(url, `GET /users/me?coder_session_token=${token}`)
  expect(me.status).toBe(200)
  await rawRequest(url, `GET /workspaces/x/%zz?coder_session_token=${token}`)
  await rawRequest(url, `GET /nothing?coder_session_token=${token}`, { headers: { Cookie: `coder_session_token=${token}` } })

  const requestId = me.headers['x-coder-request-id']
  const line = await eventually(async () => logOf(server).find((entry) => entry['request_id'] === requestId))
  expect(line).toMatchObject({ method: 'GET', path: '/api/v2/users/me', status: 200 })
  server.child.kill('SIGTERM')
  expect(await server.ended).toBe(0)
  const requests = logOf(server).filter(({ msg }) => msg === 'request')
  expect(requests).toHaveLength(6)
  expect(requests.every((entry) => typeof entry['request_id'] === 'string')).toBe(true)
  for (const secret of [token, token.slice(11), FIRST_USER.password, database.url])
    expect(server.out() + server.err()).not.toContain(secret)
})

test('started again it prints how to sign in, and ends with 0 on SIGINT while a request is open', async () => {
  const server = start()
  const url = await announced(server)
  expect(server.out()).toContain(`berth login ${url}`)
  expect(server.out()).not.toContain('Nobody has signed in yet.')
  const login = await rawRequest(url, 'POST /users/login', { body: FIRST_USER })
  expect(login.status).toBe(201)
  server.child.kill('SIGINT')
  server.child.kill('SIGINT')
  expect(await server.ended).toBe(0)
})

/** The one line that it writes before it ends with 1. */
async function refusal(settings: Readonly<Record<string, string>>, flags: readonly string[] = []): Promise<string> {
  const server = start(settings, flags)
  expect(await server.ended).toBe(1)
  expect(server.out()).toBe('')
  const lines = server.err().split('\n')
  expect(lines).toHaveLength(2)
  expect(lines[0]).toMatch(/^berth-server: /)
  return lines[0] ?? ''
}

describe('what keeps it from starting is told in one line, and it ends with 1', () => {
  test('a starter template that does not exist', async () => {
    verifies('berth:server:wrong-setting', 'deployment:settings')
    expect(await refusal({ BERTH_AUTO_IMPORT_TEMPLATES: 'local,docker' })).toBe(
      `berth-server: BERTH_AUTO_IMPORT_TEMPLATES names "docker", which isn't a starter template. The starter templates are: kubernetes, local-starter.`,
    )
  })

  test('a wrong setting', async () => {
    verifies('berth:server:wrong-setting')
    expect(await refusal({ BERTH_API_RATE_LIMIT: 'many' })).toBe(
      'berth-server: BERTH_API_RATE_LIMIT cannot be used: "many" is not a whole number from -1000000 to 1000000.',
    )
  })

  test('a wrong flag', async () => {
    expect(await refusal({}, ['--provisioner-daemons=x'])).toContain('--provisioner-daemons cannot be used')
  })

  test('a taken port', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const line = await refusal({ BERTH_HTTP_ADDRESS: `127.0.0.1:${port}` })
    other.close()
    expect(line).toContain(`127.0.0.1:${port} is taken`)
    expect(line).toContain('BERTH_HTTP_ADDRESS')
  })

  describe('before it makes anything', () => {
    let place: string
    beforeEach(async () => {
      place = await mkdtemp(join(directory, 'empty-'))
    })
    const embedded = () => ({ BERTH_PG_CONNECTION_URL: '', BERTH_DATA_DIR: join(place, 'data') })

    test('a taken port', async () => {
      verifies('berth:server:checked-first')
      const other = createServer().listen(0, '127.0.0.1')
      await once(other, 'listening')
      const address = `127.0.0.1:${(other.address() as { port: number }).port}`
      const tls = {
        BERTH_TLS_ENABLE: 'true',
        BERTH_TLS_CERT_FILE: fileURLToPath(new URL('certificates/one.crt', import.meta.url)),
        BERTH_TLS_KEY_FILE: fileURLToPath(new URL('certificates/one.key', import.meta.url)),
        BERTH_TLS_ADDRESS: address,
      }
      expect(await refusal({ ...embedded(), BERTH_HTTP_ADDRESS: address })).toContain(`${address} is taken`)
      expect(await refusal({ ...embedded(), ...tls })).toMatch(/is taken.*BERTH_TLS_ADDRESS/)
      other.close()
      expect(await readdir(place)).toEqual([])
    })

    test.each([
      ['is not installed', undefined],
      ['does not work here: no namespaces today', 'echo "no namespaces today" >&2; exit 1'],
    ])('a sandbox that is required and %s', async (reason, script) => {
      verifies('berth:server:checked-first')
      const programs = join(place, 'programs')
      await mkdir(programs)
      if (script !== undefined) await writeFile(join(programs, 'bwrap'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
      expect(await refusal({ ...embedded(), PATH: programs, BERTH_LOCAL_SANDBOX: 'bubblewrap' })).toBe(
        `berth-server: BERTH_LOCAL_SANDBOX cannot be bubblewrap: bubblewrap ${reason}. Install bubblewrap, or set BERTH_LOCAL_SANDBOX to auto or off.`,
      )
      expect(await readdir(place)).toEqual(['programs'])
    })

    test('an isolated network without pasta, or without HTTP on the loopback address', async () => {
      verifies('berth:server:checked-first', 'berth:local:isolated-network')
      const programs = join(place, 'programs')
      await mkdir(programs)
      const isolated = { ...embedded(), PATH: programs, BERTH_LOCAL_NETWORK: 'isolated' }
      expect(await refusal(isolated)).toBe(
        'berth-server: BERTH_LOCAL_NETWORK cannot be isolated: pasta is not installed. Install pasta (package passt), or set BERTH_LOCAL_NETWORK to host.',
      )
      expect(await refusal({ ...isolated, BERTH_HTTP_ADDRESS: '127.0.0.2:0' })).toContain('Set BERTH_HTTP_ADDRESS')
      expect(await readdir(place)).toEqual(['programs'])
    })

    test('a directory without an agent', async () => {
      verifies('berth:server:checked-first')
      expect(await refusal({ ...embedded(), BERTH_AGENT_DIRECTORY: place })).toBe(
        `berth-server: BERTH_AGENT_DIRECTORY cannot be ${place}: ${place}/main.js can't be read. Name the directory of a built agent, or leave the setting out.`,
      )
      expect(await readdir(place)).toEqual([])
    })

    test('a DERP map that cannot be read', async () => {
      verifies('berth:server:checked-first')
      expect(await refusal({ ...embedded(), BERTH_DERP_CONFIG_PATH: join(place, 'none.json') })).toContain('BERTH_DERP_CONFIG_PATH')
      expect(await readdir(place)).toEqual([])
    })

    test.each([
      ['BERTH_DATA_DIR', 'data directory', '/proc/berth'],
      ['BERTH_DATA_DIR', 'data directory', '/proc/berth/data'],
      ['BERTH_DATA_DIR', 'data directory', '/dev/null/data'],
      ['BERTH_DATA_DIR', 'data directory', '/dev/null'],
      ['BERTH_CACHE_DIRECTORY', 'cache directory', '/proc/berth'],
    ])('a %s that cannot be made: the %s %s', { timeout: 15_000 }, async (setting, name, path) => {
      verifies('berth:server:checked-first')
      for (const settings of [embedded(), { BERTH_DATA_DIR: join(place, 'data') }]) {
        const line = await refusal({ ...settings, [setting]: path })
        expect(line).toMatch(new RegExp(`^berth-server: Can't use the ${name} ${path} \\(.+\\)\\. Choose another with ${setting}\\.$`))
      }
    })
  })

  test('an unreachable database, without its password', async () => {
    const line = await refusal({ BERTH_PG_CONNECTION_URL: 'postgres://berth:hunter2@127.0.0.1:1/berth' })
    expect(line).toContain('BERTH_PG_CONNECTION_URL')
    expect(line).toContain('127.0.0.1:1')
    expect(line).not.toContain('hunter2')
  })

  test('a host with several addresses, none of which answers', async () => {
    const line = await refusal({ BERTH_PG_CONNECTION_URL: 'postgres://berth:hunter2@localhost:1/berth' })
    expect(line).toMatch(/BERTH_PG_CONNECTION_URL.*localhost:1: .*ECONNREFUSED/)
  })

  test('a database that does not exist on a server that does', async () => {
    const url = new URL(database.url)
    url.pathname = '/nowhere'
    const line = await refusal({ BERTH_PG_CONNECTION_URL: url.href })
    expect(line).toContain('BERTH_PG_CONNECTION_URL')
    expect(line).toContain('nowhere')
  })
})

describe('settings in server.yaml in the configuration folder', () => {
  let path: string
  beforeAll(async () => {
    path = join(directory, '.config', 'coderv2', 'server.yaml')
    await mkdir(dirname(path), { recursive: true })
  })
  afterEach(async () => await rm(path))

  test('count, below the variables and flags', async () => {
    verifies('deployment:settings-file')
    await writeFile(path, 'access_url: https://berth.example.com\nhttp_address: nowhere\nlog_level: debug\n')
    const server = start({ BERTH_LOG_LEVEL: 'silent' })
    expect(await announced(server)).toBe('https://berth.example.com')
    expect(server.err()).toBe('')
  })

  test('that cannot be used are named with the file, before anything else happens', async () => {
    verifies('deployment:settings-file')
    await writeFile(path, 'tls:\n  enabel: true\n')
    expect(await refusal({})).toBe(`berth-server: ${path}, line 2, column 3: there is no setting tls.enabel.`)
    const elsewhere = join(directory, 'elsewhere')
    await mkdir(join(elsewhere, 'server.yaml'), { recursive: true })
    expect(await refusal({ CODER_CONFIG_DIR: elsewhere })).toMatch(/elsewhere\/server\.yaml cannot be used: EISDIR.*BERTH_CONFIG_DIR/)
    const server = start({}, ['--help'])
    expect(await server.ended).toBe(0)
    expect(server.out()).toContain('server.yaml')
  })
})

describe('with TLS on', () => {
  const tls = {
    BERTH_TLS_ENABLE: 'true',
    BERTH_TLS_CERT_FILE: fileURLToPath(new URL('certificates/one.crt', import.meta.url)),
    BERTH_TLS_KEY_FILE: fileURLToPath(new URL('certificates/one.key', import.meta.url)),
    BERTH_TLS_ADDRESS: '127.0.0.1:0',
  }

  test('it announces both its addresses', async () => {
    verifies('tls:announced')
    const server = start(tls)
    const url = await announced(server)
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const [, secure, plain = ''] = /\(listening on (\S+) and (http:\S+)\)/.exec(server.out()) ?? []
    expect(secure).toBe(url)
    expect((await rawRequest(plain, 'GET //healthz')).text).toBe('OK')
  })

  test('it announces one address where plain HTTP is off', async () => {
    verifies('tls:announced', 'tls:alone')
    const server = start(tls, ['--http-address='])
    expect(await announced(server)).toMatch(/^https:/)
    expect(server.out()).not.toMatch(/listening on|http:/)
  })
})

test('--help prints every setting and ends with 0', async () => {
  const server = start({}, ['--help'])
  expect(await server.ended).toBe(0)
  expect(server.out()).toContain('--http-address, BERTH_HTTP_ADDRESS')
  expect(server.err()).toBe('')
})

/** The completion script for a shell, as the process prints it. */
async function scriptFor(shell: string): Promise<string> {
  const server = start({}, ['completion', shell])
  expect(await server.ended).toBe(0)
  expect(server.err()).toBe('')
  return server.out()
}

/** What bash offers for the last of the words. */
async function offered(script: string, ...words: readonly string[]): Promise<string[]> {
  const ask = 'eval "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _berth_server; printf "%s\\n" "${COMPREPLY[@]}"'
  const { stdout } = await promisify(execFile)('bash', ['-c', ask, script, 'berth-server', ...words])
  return stdout.split('\n').filter((line) => line !== '')
}

describe('completion', () => {
  test('bash completes flags, choices and commands', async () => {
    verifies('deployment:completion')
    const script = await scriptFor('bash')
    expect(await offered(script, '--tls-client-')).toEqual(['--tls-client-auth', '--tls-client-ca-file'])
    expect(await offered(script, '--tls-enable', '--tls-client-auth', 're')).toEqual(['request', 'require-any', 'require-and-verify'])
    expect(await offered(script, '')).toEqual(['rotate-secrets', 'completion'])
    expect(await offered(script, 'completion', 'z')).toEqual(['zsh'])
    expect(await offered(script, '--data-dir', '')).toEqual([])
  })

  test.each(['zsh', 'fish'])('%s gets every flag of the help, with its text', async (shell) => {
    verifies('deployment:completion')
    const script = await scriptFor(shell)
    const available = configHelp().split('\nSettings of Coder')[0] ?? ''
    const flags = [...available.matchAll(/--([a-z0-9-]+), BERTH_/g)].map(([, flag = '']) => flag)
    expect(flags.length).toBeGreaterThan(70)
    for (const flag of flags) expect(script).toMatch(new RegExp(`(--|--long-option )${flag}\\b.*\\w \\w`))
    expect(script).not.toContain('prometheus')
  })

  test('a shell without a script is refused in one line that names the others', async () => {
    expect(await refusal({}, ['completion', 'csh'])).toBe(
      'berth-server: There is no completion script for "csh". There is one for bash, zsh, fish.',
    )
  })
})
