import { execFile, spawn, type ExecFileOptions } from 'node:child_process'
import { chmod, mkdtemp, readFile, readdir, realpath, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import { createClient } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FIRST_USER } from './deployment.ts'
import { packPackages, pnpm } from './pack-packages.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../../..')

/** Runs a program and returns what it prints; what it prints is the error when it fails. */
async function output(program: string, words: readonly string[], options: ExecFileOptions): Promise<string> {
  try {
    return String((await run(program, words, options)).stdout)
  } catch (error) {
    throw error instanceof Error && 'stdout' in error ? new Error(`${error.message}\n${String(error.stdout)}`, { cause: error }) : error
  }
}

/** The environment without the settings that pnpm gives to scripts of this repository. */
function ownEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^p?npm_/i.test(name)))
}

/** Installs and compilers are slow where other work goes on. */
const patience = { timeout: 120_000 }

let folder: string
let tarballs: Readonly<Record<string, string>>

beforeAll(async () => {
  // The database and workspaces of a server that root starts run as other users.
  folder = await realpath(await mkdtemp(join(tmpdir(), 'berth-installed-')))
  await chmod(folder, 0o755)
  tarballs = await packPackages(folder)
})

afterAll(async () => await rm(folder, { recursive: true, force: true }))

const installers = [
  ['npm', ['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund']],
  ['pnpm', [...pnpm(), 'install', '--prefer-offline', '--ignore-workspace']],
] as const

/** The examples of installed READMEs as programs, each with what it leaves out. */
const programs = {
  schema: ([example = '']: readonly string[]) => `
    const response = Response.json({ name: 'dev' })
    ${example}
    console.log(workspace.name, failures.not_found.status)`,

  tunnel: ([answering = '', dialling = '', forwarding = '']: readonly string[]) => `
    import { WebSocketServer } from 'ws'
    ${importsOf([answering, dialling, forwarding].join('\n'))}
    const sockets = new WebSocketServer({ port: 0, ...tunnelSocketOptions })
    const { port } = sockets.address() as { port: number }
    const connected = (use: (socket: WebSocket) => void) => sockets.once('connection', use)
    connected(async (serverSideSocket) => {
      ${withoutImports(dialling)}
      connected((clientSocket) => {
        ${withoutImports(forwarding)}
      })
      stream.end('answered')
      for await (const bytes of stream) console.log(String(bytes))
      const client = dialTunnel(socketStream(new WebSocket(\`ws://127.0.0.1:\${port}\`, tunnelSocketOptions)))
      const forwarded = await client.dial(formatAgentTarget({ kind: 'ssh' }))
      forwarded.end('forwarded')
      for await (const bytes of forwarded) console.log(String(bytes))
      client.close()
      dialing.close()
      sockets.close()
    })
    ${withoutImports(answering).replace(/'wss:[^']*'/, '`ws://127.0.0.1:${port}`')}`,

  sdk: (examples: readonly string[]) => `
    const token = process.env['TOKEN'] ?? ''
    ${examples.join('\n').replaceAll("'https://berth.example.com'", "process.env['URL'] ?? ''")}`,
}

/** The imports of several examples, each name once. */
function importsOf(examples: string): string {
  const names = [...examples.matchAll(/^import \{(.*)\} from (.*)$/gm)].flatMap(([, list = '', from = '']) =>
    list.split(',').map((each) => `import { ${each.trim()} } from ${from}`),
  )
  return [...new Set(names)].join('\n')
}

const withoutImports = (example: string): string => example.replaceAll(/^import .*$/gm, '')

describe.each(installers)('what %s installs from the published packages', (name, [installer, ...install]) => {
  let home: string
  const examplesOf = async (what: string): Promise<string[]> => {
    const readme = await readFile(join(home, `node_modules/@berth/${what}/README.md`), 'utf8')
    return [...readme.matchAll(/^```(?:js|ts)\n([\s\S]*?)^```/gm)].map(([, example = '']) => example)
  }
  const node = async (words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<string> =>
    await output(process.execPath, words, { cwd: home, env: { PATH: process.env['PATH'], HOME: home, ...environment } })
  const berth = async (...args: string[]): Promise<string> => await node([join(home, 'node_modules/@berth/cli/bin/berth.js'), ...args])

  beforeAll(async () => {
    home = await mkdtemp(join(folder, `${name}-`))
    await chmod(home, 0o755)
    const files = Object.fromEntries(Object.entries(tarballs).map(([each, path]) => [each, `file:${path}`]))
    const dependencies = { ...files, ws: '^8.18.0', '@types/node': '^20.19.0', '@types/ws': '^8.18.0' }
    // The packages name one another by version, and the versions under test are in no registry.
    const manifest = { private: true, type: 'module', dependencies, overrides: files, pnpm: { overrides: files } }
    await writeFile(join(home, 'package.json'), JSON.stringify(manifest))
    await output(installer, install, { cwd: home, env: ownEnvironment() })
  }, patience.timeout)

  test('the examples of the libraries compile, and those that need no server run', patience, async () => {
    verifies('berth:packages:readme-examples')
    for (const [what, write] of Object.entries(programs)) await writeFile(join(home, `${what}.ts`), write(await examplesOf(what)))
    const compilerOptions = { target: 'ES2023', module: 'NodeNext', strict: true, types: ['node'] }
    await writeFile(
      join(home, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: Object.keys(programs).map((each) => `${each}.ts`) }),
    )
    await node([join(root, 'node_modules/typescript/bin/tsc'), '-p', home])
    expect(await node(['schema.js'])).toBe('dev 404\n')
    expect(await node(['tunnel.js'])).toMatch(/^answered\nforwarded\n.+\n$/)
  })

  test('the server of the example has a workspace that the client library and the command line reach', patience, async () => {
    verifies('berth:packages:readme-examples')
    verifies('berth:packages:server-from-tarball')
    verifies('berth:sdk:readme')
    const [example = ''] = await examplesOf('server')
    await writeFile(join(home, 'server.js'), example.replace('127.0.0.1:3000', '127.0.0.1:0'))
    const server = spawn(process.execPath, ['server.js'], { cwd: home, stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    for (const stream of [server.stdout, server.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    const ended = new Promise((resolve) => server.once('exit', resolve))
    try {
      const url = await eventually(async () => /Berth is at (\S+)/.exec(printed)?.[1])
      const { email, username, password } = FIRST_USER
      const user = ['--first-user-email', email, '--first-user-username', username, '--first-user-password', password]
      await berth('login', url, ...user)
      const { session_token: TOKEN } = await createClient({ url }).sessions.login({ body: { email, password } })
      expect(await node(['sdk.js'], { URL: url, TOKEN })).toContain('dev is running')
      expect((await createClient({ url, token: TOKEN }).workspaces.list()).workspaces).toEqual([])
      await berth('create', 'dev', '-y')
      expect(await berth('ssh', 'dev', 'echo reached')).toBe('reached\n')
      await berth('delete', 'dev', '-y')
      const [agent = ''] = (await readdir(join(home, 'data/agent'))).filter((each) => !each.startsWith('node-'))
      expect(createRequire(join(home, 'data/agent', agent, 'main.js'))('@lydell/node-pty')).toHaveProperty('spawn')
    } finally {
      server.kill('SIGTERM')
      await ended
    }
  })
})
