import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request as askHttp } from 'node:http'
import { fileURLToPath } from 'node:url'
import { verifies } from '@berth/requirements'
import type { Client, OpenWorkspace } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { connect } from 'node:net'
import { createDeployment, starterTemplateImported, type Deployment } from './deployment.ts'

let deployment: Deployment
let client: Client
/** The agent of a workspace that runs. Each test stays in a folder of its own. */
let workspaceagent: string

beforeAll(async () => {
  deployment = await createDeployment()
  client = await deployment.signIn()
  await starterTemplateImported(client)
  const created = await client.workspaces.create({ template: 'local-starter', name: 'dev' })
  const ready = await client.workspaces.waitUntilReady(created)
  workspaceagent = ready.latest_build.resources.flatMap(({ agents }) => agents ?? [])[0]?.id ?? ''
})
afterAll(async () => await deployment.remove())

type Body = Parameters<Client['processes']['exec']>[0]['body']
const exec = async (command: string[], more: Omit<Body, 'command'> = {}) =>
  await client.processes.exec({ params: { workspaceagent }, body: { command, ...more } })
const shell = async (script: string, more: Omit<Body, 'command'> = {}) => await exec(['sh', '-c', script], more)

const isRunning = async (pattern: string): Promise<boolean> => (await shell(`pgrep -f "${pattern}"`)).stdout !== ''
const namesIn = async (folder: string): Promise<string[]> => (await shell(`ls -A ${folder}`)).stdout.trim().split('\n')
const list = async (path: string, after?: string, limit?: number) =>
  await client.workspaceFiles.list({ params: params(), query: { path, after, limit } })
const params = () => ({ workspaceagent })

const write = async (path: string, body: string | Uint8Array, more: { parents?: boolean; mode?: string } = {}) =>
  await client.workspaceFiles.write({
    params: params(),
    query: { path, ...more },
    body: typeof body === 'string' ? Buffer.from(body) : body,
  })
const read = async (path: string, more: { offset?: number; length?: number } = {}) =>
  Buffer.from(await client.workspaceFiles.read({ params: params(), query: { path, ...more } }))

describe('exec', () => {
  test('a command answers with its exit code, both outputs and no shell in between', async () => {
    verifies('berth:exec:answer')
    const done = await exec(['sh', '-c', 'printf %s "$0"; echo wrong >&2; exit 3', 'a b;$HOME'])
    expect(done).toEqual({
      exit_code: 3,
      signal: '',
      stdout: 'a b;$HOME',
      stderr: 'wrong\n',
      stdout_truncated: false,
      stderr_truncated: false,
      timed_out: false,
    })
  })

  test('it runs as the user of the workspace, in its folder and environment, or in others', async () => {
    verifies('berth:exec:answer')
    expect((await shell('echo $HOME; pwd; env | grep -c TOKEN')).stdout).toMatch(/^(\/.*)\n\1\n0\n$/)
    const given = await shell('pwd; echo "$MORE"', { cwd: '/', env: { MORE: 'text' } })
    expect(given.stdout).toBe('/\ntext\n')
    await shell('mkdir -p folder')
    expect((await shell('pwd', { cwd: 'folder' })).stdout).toMatch(/\/folder\n$/)
    expect((await shell('pwd', { cwd: '~/folder' })).stdout).toMatch(/\/folder\n$/)
  })

  test('stdin and outputs are text, or any bytes as base64', async () => {
    expect((await exec(['cat'], { stdin: 'héllo\n' })).stdout).toBe('héllo\n')
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, index) => index % 256)).toString('base64')
    expect((await exec(['cat'], { stdin: bytes, encoding: 'base64' })).stdout).toBe(bytes)
    await expect(exec(['cat'], { stdin: 'a b!', encoding: 'base64' })).rejects.toMatchObject({ status: 400 })
  })

  test('output beyond the limit is dropped and said to be, and does not block the command', async () => {
    verifies('berth:exec:bounds')
    const done = await shell('yes | head -c 50000000; echo end >&2', { max_output_bytes: 1000 })
    expect(done).toMatchObject({
      exit_code: 0,
      stdout: 'y\n'.repeat(500),
      stdout_truncated: true,
      stderr: 'end\n',
      stderr_truncated: false,
    })
    expect((await shell('yes | head -c 9000000', { max_output_bytes: 4 * 1024 * 1024 })).stdout).toHaveLength(4 * 1024 * 1024)
  })

  test('a command whose time is up is ended, with everything that it started', async () => {
    verifies('berth:exec:bounds')
    const done = await shell('sleep 4242 & echo started; wait', { timeout_ms: 300 })
    expect(done).toMatchObject({ exit_code: -1, signal: 'SIGHUP', stdout: 'started\n', timed_out: true })
    expect((await shell('pgrep -f "sleep [4]242"')).stdout).toBe('')
    expect(await shell('trap "" HUP; sleep 4243', { timeout_ms: 300 })).toMatchObject({ signal: 'SIGKILL', timed_out: true })
  })

  test('a command is ended when its client leaves', async () => {
    verifies('berth:exec:bounds')
    const leaving = new AbortController()
    const call = client.processes.exec({ params: { workspaceagent }, body: { command: ['sleep', '4244'] } }, { signal: leaving.signal })
    call.catch(() => undefined)
    await eventually(async () => ((await shell('pgrep -f "sleep [4]244"')).stdout === '' ? undefined : true))
    leaving.abort()
    await eventually(async () => ((await shell('pgrep -f "sleep [4]244"')).stdout === '' ? true : undefined))
  })

  test('what a command leaves running in the background does not hold up its answer', async () => {
    expect(await shell('sleep 60 & echo $!')).toMatchObject({ exit_code: 0, timed_out: false })
  })

  test.each([
    [[], 'The command is empty'],
    [[''], 'The command is empty'],
    [['no-such-program'], 'There is no program "no-such-program" in the workspace.'],
    [['/etc/passwd'], 'The program "/etc/passwd" may not be run.'],
  ])('%j is refused', async (command, message) => {
    verifies('berth:exec:refused')
    await expect(exec(command)).rejects.toMatchObject({ status: 400, message: expect.stringContaining(message) })
  })

  test('a folder that does not exist and a variable that cannot be set are refused', async () => {
    verifies('berth:exec:refused')
    await expect(exec(['true'], { cwd: 'nowhere' })).rejects.toMatchObject({ status: 400, message: expect.stringContaining('nowhere') })
    await expect(exec(['true'], { env: { 'a=b': 'c' } })).rejects.toMatchObject({ message: 'The variable "a=b" cannot be set.' })
    await expect(exec(['true'], { env: { BERTH_AGENT_TOKEN: 'c' } })).rejects.toMatchObject({ status: 400 })
  })
})

test('strangers get 404 for everything in a workspace', async () => {
  verifies('berth:exec:access')
  const stranger = await client.users.create({
    body: {
      email: 'eve@example.com',
      username: 'eve',
      password: 'correct horse battery',
      organization_id: (await client.users.get({ params: { user: 'me' } })).organization_ids[0] ?? '',
    },
  })
  expect(stranger.username).toBe('eve')
  const { session_token } = await client.sessions.login({ body: { email: 'eve@example.com', password: 'correct horse battery' } })
  const headers = { 'Coder-Session-Token': session_token, 'Content-Type': 'application/json' }
  const at = `${deployment.server.url}/api/v2/workspaceagents/${workspaceagent}`
  for (const [method, path] of [
    ['POST', 'exec'],
    ['GET', 'exec'],
    ['GET', 'processes'],
    ['GET', 'files?path=.'],
    ['GET', 'files/content?path=.profile'],
    ['PUT', 'files/content?path=x'],
    ['DELETE', 'files?path=x'],
    ['GET', 'files/watch?path=.'],
  ] as const) {
    const answer = await fetch(`${at}/${path}`, { method, headers, ...(method === 'POST' && { body: '{"command":["true"]}' }) })
    expect([path, answer.status]).toEqual([path, 404])
  }
})

/** A socket of a process, as a client without this project's own library has it. */
class ProcessSocket {
  readonly socket: WebSocket
  readonly messages: Record<string, unknown>[] = []
  readonly closed: Promise<number>
  stdout = ''
  stderr = ''
  outputBytes = 0

  constructor(path: string) {
    const url = `${deployment.server.url.replace('http', 'ws')}/api/v2/workspaceagents/${workspaceagent}/${path}`
    this.socket = new WebSocket(url, { headers: client.headers() })
    this.closed = new Promise((resolve) => this.socket.once('close', resolve))
    this.socket.on('error', () => undefined)
    this.socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary) return void this.messages.push(JSON.parse(data.toString('utf8')) as Record<string, unknown>)
      this.outputBytes += data.length - 1
      if (data[0] === 1) this.stdout += data.toString('utf8', 1)
      else this.stderr += data.toString('utf8', 1)
      return undefined
    })
  }

  static async start(request: object): Promise<ProcessSocket> {
    const opened = new ProcessSocket('exec')
    await once(opened.socket, 'open')
    opened.send(request)
    return opened
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message))
  }

  input(text: string): void {
    this.socket.send(Buffer.concat([Uint8Array.of(0), Buffer.from(text)]))
  }

  async message(name: string): Promise<Record<string, unknown>> {
    return await eventually(async () => this.messages.find((message) => name in message)?.[name] as Record<string, unknown> | undefined)
  }

  async shows(text: string): Promise<void> {
    await eventually(async () => (this.stdout.includes(text) ? true : undefined))
  }
}

describe('processes', () => {
  test('a socket carries stdin, both outputs and the end of a process', async () => {
    verifies('berth:processes:socket')
    const opened = await ProcessSocket.start({ command: ['sh', '-c', 'read line; echo "got $line"; echo wrong >&2; cat; exit 7'] })
    opened.input('hello\nmore')
    opened.send({ end_stdin: true })
    expect(await opened.closed).toBe(1000)
    expect([opened.stdout, opened.stderr]).toEqual(['got hello\nmore', 'wrong\n'])
    expect(await opened.message('exited')).toEqual({ exit_code: 7, signal: '' })
    expect(await opened.message('started')).toMatchObject({
      command: ['sh', '-c', expect.any(String)],
      has_terminal: false,
      detached: false,
    })
  })

  test('signals reach it, and a terminal has a size that changes', async () => {
    verifies('berth:processes:socket')
    const sleeping = await ProcessSocket.start({
      command: ['sh', '-c', 'trap "echo interrupted; exit 0" INT; echo ready; while :; do sleep 0.01; done'],
    })
    await sleeping.shows('ready')
    sleeping.send({ signal: 'SIGINT' })
    await sleeping.closed
    expect(sleeping.stdout).toContain('interrupted')
    const terminal = await ProcessSocket.start({ command: ['sh'], terminal: { height: 30, width: 100 } })
    terminal.input('stty size\n')
    await terminal.shows('30 100')
    terminal.send({ resize: { height: 40, width: 120 } })
    terminal.input('stty size\n')
    await terminal.shows('40 120')
    terminal.send({ end_stdin: true })
    expect(await terminal.message('exited')).toEqual({ exit_code: 0, signal: '' })
  })

  test('what cannot be started is said with its status, and other messages close the socket', async () => {
    verifies('berth:processes:socket')
    const missing = await ProcessSocket.start({ command: ['no-such-program'] })
    expect(await missing.message('failed')).toMatchObject({ status: 400, message: expect.stringContaining('no-such-program') })
    expect(await missing.closed).toBe(1011)
    const wrong = await ProcessSocket.start({ command: 'true' })
    expect(await wrong.message('failed')).toMatchObject({ status: 400 })
    const binary = new ProcessSocket('exec')
    await once(binary.socket, 'open')
    binary.input('first')
    expect(await binary.closed).toBe(1007)
    const bad = await ProcessSocket.start({ command: ['cat'] })
    bad.socket.send(Uint8Array.of(9, 9))
    expect(await bad.closed).toBe(1007)
  })

  test('a process ends when its last client leaves', async () => {
    verifies('berth:processes:ended')
    const opened = await ProcessSocket.start({ command: ['sleep', '4301'] })
    await opened.message('started')
    opened.socket.close()
    await eventually(async () => ((await isRunning('sleep [4]301')) ? undefined : true))
  })

  test('a detached process goes on, is listed, and shows its output to whoever attaches', async () => {
    verifies('berth:processes:attach', 'berth:processes:ended')
    const opened = await ProcessSocket.start({ command: ['sh', '-c', 'echo one; read x; echo "two $x"; read y; exit 5'], detached: true })
    const { id } = (await opened.message('started')) as { id: string }
    await opened.shows('one')
    opened.socket.close()
    await opened.closed
    const { processes } = await client.processes.list({ params: { workspaceagent } })
    expect(processes.find((process) => process.id === id)).toMatchObject({ detached: true, output_bytes: 4 })
    const again = new ProcessSocket(`processes/${id}/attach`)
    await again.shows('one')
    again.input('more\n')
    await again.shows('two more')
    const later = new ProcessSocket(`processes/${id}/attach?after=4`)
    await later.shows('two more')
    expect(later.stdout).toBe('two more\n')
    later.input('\n')
    expect(await again.closed).toBe(1000)
    const named = { workspaceagent, process: id }
    expect(await client.processes.get({ params: named })).toMatchObject({ exit_code: 5, clients: 0, ended_at: expect.any(String) })
    const late = new ProcessSocket(`processes/${id}/attach`)
    expect(await late.closed).toBe(1000)
    expect([late.stdout, await late.message('exited')]).toEqual(['one\ntwo more\n', { exit_code: 5, signal: '' }])
    await client.processes.remove({ params: named })
    await expect(client.processes.get({ params: named })).rejects.toMatchObject({ status: 404 })
  })

  test('a process is signalled and removed by its ID', async () => {
    verifies('berth:processes:ended')
    const opened = await ProcessSocket.start({ command: ['sleep', '4302'], detached: true })
    const { id } = (await opened.message('started')) as { id: string }
    await client.processes.signal({ params: { workspaceagent, process: id }, body: { signal: 'SIGTERM' } })
    expect(await opened.message('exited')).toEqual({ exit_code: -1, signal: 'SIGTERM' })
    const next = await ProcessSocket.start({ command: ['sleep', '4303'], detached: true })
    const { id: nextId } = (await next.message('started')) as { id: string }
    await client.processes.remove({ params: { workspaceagent, process: nextId } })
    await next.closed
    expect(await isRunning('sleep [4]303')).toBe(false)
    await expect(
      client.processes.signal({ params: { workspaceagent, process: id }, body: { signal: 'SIGNOTHING' as 'SIGTERM' } }),
    ).rejects.toMatchObject({ status: 400 })
  })

  test('a client that reads nothing holds back the process, and gets everything once it reads', async () => {
    verifies('berth:processes:bounds')
    const bytes = 24 * 1024 * 1024
    const opened = await ProcessSocket.start({ command: ['sh', '-c', `head -c ${bytes} /dev/zero`], detached: true })
    const { id } = (await opened.message('started')) as { id: string }
    opened.socket.pause()
    const written = async (): Promise<number> => (await client.processes.get({ params: { workspaceagent, process: id } })).output_bytes
    // It stops long before the end, at what fits between the two.
    let before = -1
    await eventually(async () => {
      const now = await written()
      const isStill = now === before && now > 0
      before = now
      return isStill ? true : undefined
    })
    expect(await written()).toBeLessThan(bytes / 2)
    opened.socket.resume()
    await opened.closed
    expect(opened.outputBytes).toBe(bytes)
  })
})

describe('files', () => {
  test('a file is written, described, read whole and in part, and keeps its mode', async () => {
    verifies('berth:files:content')
    const bytes = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 256))
    const written = await write('content/new/data.bin', bytes, { parents: true, mode: '750' })
    expect(written).toMatchObject({ name: 'data.bin', kind: 'file', size: bytes.length, mode: '750' })
    expect((await read('content/new/data.bin')).equals(bytes)).toBe(true)
    expect(await read(written.path, { offset: 10, length: 5 })).toEqual(bytes.subarray(10, 15))
    expect(await read(written.path, { offset: bytes.length })).toHaveLength(0)
    expect(await read(written.path, { length: 0 })).toHaveLength(0)
    expect(await write('content/new/data.bin', '')).toMatchObject({ size: 0, mode: '750' })
    await shell('ln -s data.bin content/new/link')
    expect(await write('content/new/link', 'through')).toMatchObject({ kind: 'symlink' })
    expect((await read('content/new/data.bin')).toString()).toBe('through')
    expect((await shell('ls -A content/new')).stdout).toBe('data.bin\nlink\n')
  })

  test('a write that breaks off changes nothing and leaves nothing', async () => {
    verifies('berth:files:content')
    await write('broken/kept.txt', 'kept', { parents: true })
    const url = `${deployment.server.url}/api/v2/workspaceagents/${workspaceagent}/files/content?path=broken/kept.txt`
    const sending = askHttp(url, { method: 'PUT', headers: { ...client.headers(), 'Content-Type': 'application/octet-stream' } })
    sending.on('error', () => undefined)
    sending.write(Buffer.alloc(100_000, 'x'))
    await eventually(async () => ((await namesIn('broken')).length === 2 ? true : undefined))
    sending.destroy()
    await eventually(async () => ((await namesIn('broken')).length === 1 ? true : undefined))
    expect((await read('broken/kept.txt')).toString()).toBe('kept')
  })

  test('a client that reads nothing costs little, and its file can still be read by others', async () => {
    verifies('berth:files:content')
    await shell('mkdir -p big && head -c 16000000 /dev/zero > big/zeros')
    const url = `${deployment.server.url}/api/v2/workspaceagents/${workspaceagent}/files/content?path=big/zeros`
    const asking = askHttp(url, { headers: client.headers() })
    asking.on('error', () => undefined)
    asking.end()
    const [answer] = (await once(asking, 'response')) as [NodeJS.ReadableStream]
    answer.pause()
    expect(await read('big/zeros')).toHaveLength(16_000_000)
    asking.destroy()
  })

  test('ten thousand entries are listed in pages, sorted by name', async () => {
    verifies('berth:files:folders')
    await shell('mkdir -p many && cd many && seq -f "%05g" 0 9999 | xargs touch')
    const first = await list('many')
    expect([first.files.length, first.has_more, first.files[0]?.name, first.files.at(-1)?.name]).toEqual([1000, true, '00000', '00999'])
    const rest = await list('many', '00999', 10_000)
    expect([rest.files.length, rest.has_more, rest.files.at(-1)?.name]).toEqual([9000, false, '09999'])
    expect(new Set([...first.files, ...rest.files].map(({ name }) => name)).size).toBe(10_000)
  })

  test('folders are made, things are renamed and removed', async () => {
    verifies('berth:files:folders')
    const { workspaceFiles } = client
    expect(await workspaceFiles.makeDirectory({ params: params(), body: { path: 'tree/a/b', parents: true } })).toMatchObject({
      kind: 'directory',
      name: 'b',
    })
    await write('tree/a/b/file', 'text')
    expect(await workspaceFiles.rename({ params: params(), body: { from: 'tree/a/b/file', to: 'tree/moved' } })).toMatchObject({
      name: 'moved',
      size: 4,
    })
    await expect(workspaceFiles.stat({ params: params(), query: { path: 'tree/a/b/file' } })).rejects.toMatchObject({ status: 404 })
    await expect(workspaceFiles.remove({ params: params(), query: { path: 'tree' } })).rejects.toMatchObject({ status: 409 })
    await workspaceFiles.remove({ params: params(), query: { path: 'tree/moved' } })
    await workspaceFiles.remove({ params: params(), query: { path: 'tree', recursive: true } })
    await expect(workspaceFiles.stat({ params: params(), query: { path: 'tree' } })).rejects.toMatchObject({ status: 404 })
  })

  test.each([
    ['missing', 'nowhere/file', 404],
    ['below a file', '/etc/passwd/x', 404],
    ['empty', '', 400],
    ['with a zero byte', 'a\0b', 400],
    ['too long', 'x'.repeat(300), 400],
    ['a folder', '.', 400],
    ['a device', '/dev/zero', 400],
    ['forbidden', 'locked', 403],
  ])('reading a path that is %s is refused', async (_, path, status) => {
    verifies('berth:files:refused')
    if (path === 'locked') await shell('touch locked; chmod 000 locked')
    await expect(read(path)).rejects.toMatchObject({ status })
  })

  test('writing where that is not possible is refused, even before all bytes have been sent', async () => {
    verifies('berth:files:refused')
    const large = Buffer.alloc(5_000_000)
    await expect(write('nowhere/file', large)).rejects.toMatchObject({ status: 404 })
    await expect(write('/proc/file', large)).rejects.toMatchObject({ status: expect.any(Number) })
    await expect(write('.', large)).rejects.toMatchObject({ status: 400 })
    await expect(write('file', 'text', { mode: '9' })).rejects.toMatchObject({ status: 400 })
    await shell('mkfifo pipe')
    await expect(read('pipe')).rejects.toMatchObject({ status: 400 })
    await expect(client.workspaceFiles.makeDirectory({ params: params(), body: { path: 'pipe' } })).rejects.toMatchObject({ status: 409 })
    await expect(client.workspaceFiles.remove({ params: params(), query: { path: '/', recursive: true } })).rejects.toMatchObject({
      status: 400,
    })
  })

  test('a watch tells what changed, and during a flood that there was more', async () => {
    verifies('berth:files:watch')
    await shell('mkdir -p watched')
    const response = await client.fetch(`/workspaceagents/${workspaceagent}/files/watch`, { query: { path: 'watched' } })
    let text = ''
    const reading = (async () => {
      for await (const chunk of response.body ?? []) text += Buffer.from(chunk).toString('utf8')
    })().catch(() => undefined)
    const events = () =>
      [...text.matchAll(/^data: (.*)$/gm)].map(
        ([, data = '']) => JSON.parse(data) as { changes: { path: string; kind: string }[]; missed: boolean },
      )
    const saw = async (name: string, kind: string) =>
      await eventually(async () =>
        events().find(({ changes }) => changes.some((change) => change.path.endsWith(`/watched/${name}`) && change.kind === kind)),
      )
    await shell('echo x > watched/file')
    await saw('file', 'changed')
    await shell('rm watched/file')
    await saw('file', 'removed')
    await shell('cd watched && seq -f "flood%g" 1 5000 | xargs touch')
    await eventually(async () => events().find(({ missed }) => missed))
    expect(Math.max(...events().map(({ changes }) => changes.length))).toBeLessThanOrEqual(1000)
    // The watch ends with its folder.
    await shell('rm -r watched')
    await reading
  })
})

describe('the client library', () => {
  let dev: OpenWorkspace
  beforeAll(async () => {
    dev = await client.workspaces.open('me/dev')
  })

  test('a workspace is opened, commands run in it, and their exit codes do not reject', async () => {
    verifies('berth:sdk:workspace-value')
    expect(dev.agent).toMatchObject({ id: workspaceagent, status: 'connected' })
    const done = await dev.exec(['sh', '-c', 'cat; echo wrong >&2; exit 4'], { stdin: 'in', timeoutMs: 20_000, cwd: '/' })
    expect(done).toEqual({ exitCode: 4, signal: '', stdout: 'in', stderr: 'wrong\n', isTruncated: false, timedOut: false })
    const bytes = new TextEncoder().encode('ø\0')
    expect((await dev.exec(['cat'], { stdin: bytes })).stdout).toBe('ø\0')
    await expect(dev.exec(['no-such-program'])).rejects.toMatchObject({ name: 'ApiError', status: 400 })
    await expect(client.workspaces.open('me/dev', { agent: 'other' })).rejects.toThrow(
      'The workspace ada/dev has no agent "other", only: main.',
    )
  })

  test('a process yields lines, takes input and signals, and says how it ended', async () => {
    verifies('berth:sdk:workspace-value')
    const counting = dev.spawn(['sh', '-c', 'for i in 1 2 3; do echo "line $i"; done; printf last; cat'])
    const lines: string[] = []
    await counting.write(' word')
    await counting.endInput()
    for await (const line of counting.lines('stdout')) lines.push(line)
    expect(lines).toEqual(['line 1', 'line 2', 'line 3', 'last word'])
    expect(await counting.exited()).toEqual({ exitCode: 0, signal: '' })
    const sleeping = dev.spawn(['sleep', '4401'])
    await sleeping.kill()
    expect(await sleeping.wait()).toEqual({ exitCode: -1, signal: 'SIGTERM' })
    const noisy = dev.spawn(['sh', '-c', 'yes | head -c 30000000'])
    expect(await noisy.wait()).toEqual({ exitCode: 0, signal: '' })
  })

  test('a process that cannot start rejects whatever waits for it', async () => {
    const missing = dev.spawn(['no-such-program'])
    const refusal = { name: 'ApiError', status: 400, message: expect.stringContaining('no-such-program') }
    await expect(missing.started).rejects.toMatchObject(refusal)
    await expect(missing.wait()).rejects.toMatchObject(refusal)
    await expect(missing.lines().next()).rejects.toMatchObject(refusal)
    await expect(dev.processes.attach('nothing').started).rejects.toMatchObject({ status: 404 })
  })

  test('a terminal has the size that it is given', async () => {
    const terminal = dev.spawn(['sh'], { terminal: { rows: 31, columns: 101 } })
    await terminal.write('stty size; exit\n')
    const lines: string[] = []
    for await (const line of terminal.lines()) lines.push(line)
    expect(lines.join('\n')).toContain('31 101')
  })

  test('a process is left running and attached to again by its ID', async () => {
    verifies('berth:sdk:workspace-value', 'berth:processes:attach')
    const first = dev.spawn(['sh', '-c', 'echo one; read x; echo "two $x"'])
    for await (const line of first.lines()) if (line === 'one') break
    const id = await first.detach()
    expect((await dev.processes.list()).find((process) => process.id === id)).toMatchObject({ detached: true, output_bytes: 4 })
    const again = dev.processes.attach(id, { after: 4 })
    await again.write('more\n')
    const lines: string[] = []
    for await (const line of again.lines()) lines.push(line)
    expect(lines).toEqual(['two more'])
    await dev.processes.remove(id)
  })

  test('leaving a process ends it', async () => {
    {
      await using left = dev.spawn(['sleep', '4402'])
      await left.started
    }
    await eventually(async () => ((await isRunning('sleep [4]402')) ? undefined : true))
  })

  test('files are written, streamed, listed, watched and removed', async () => {
    verifies('berth:sdk:workspace-value')
    const { files } = dev
    expect(await files.write('lib/notes.txt', 'hello', { parents: true })).toMatchObject({ name: 'notes.txt', size: 5 })
    expect(await files.readText('lib/notes.txt')).toBe('hello')
    expect(await files.read('lib/notes.txt', { offset: 1, length: 2 })).toEqual(new TextEncoder().encode('el'))
    const stream = new Blob(['some ', 'more ', 'text']).stream()
    expect(await files.write('lib/stream.txt', stream, { mode: '600' })).toMatchObject({ size: 14, mode: '600' })
    const streamed = new Response(await files.readStream('lib/stream.txt'))
    expect(await streamed.text()).toBe('some more text')
    expect((await files.list('lib')).map(({ name }) => name)).toEqual(['notes.txt', 'stream.txt'])
    const watching = files.watch('lib')
    const change = watching.next()
    await eventually(async () => {
      await files.write('lib/new.txt', 'x')
      return await Promise.race([change, Promise.resolve(undefined)])
    })
    expect((await change).value).toMatchObject({ missed: false, changes: expect.arrayContaining([expect.anything()]) })
    await watching.return()
    await files.mkdir('lib/folder')
    await files.rename('lib/notes.txt', 'lib/folder/notes.txt')
    expect(await files.stat('lib/folder')).toMatchObject({ kind: 'directory' })
    await files.remove('lib', { recursive: true })
    await expect(files.readText('lib/notes.txt')).rejects.toMatchObject({ status: 404 })
    await expect(files.watch('lib').next()).rejects.toMatchObject({ status: 404 })
  })

  test('a port of the workspace is forwarded to this machine, both ways and to its end', async () => {
    verifies('berth:sdk:ports')
    const script = `require('net').createServer({ allowHalfOpen: true }, (s) => s.pipe(s)).listen(0, function () { console.log(this.address().port) })`
    await using serving = dev.spawn([process.execPath, '-e', script])
    const { value: port } = await serving.lines('stdout').next()
    await using forwarded = await dev.ports.forward(Number(port))
    const bytes = Buffer.alloc(3_000_000, 'echo')
    for (let round = 0; round < 2; round++) {
      const socket = connect(forwarded.port, forwarded.host)
      socket.end(bytes)
      const chunks: Buffer[] = []
      for await (const chunk of socket) chunks.push(chunk as Buffer)
      expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
    }
    await using nowhere = await dev.ports.forward(9)
    const refused = connect(nowhere.port, nowhere.host)
    await expect(once(refused, 'end')).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  test('the URL of a port has the host name of the deployment, if there is one', async () => {
    verifies('berth:sdk:ports')
    await expect(dev.ports.url(3000)).rejects.toThrow('The deployment has no host names for apps.')
  })

  test('a workspace is created, used at once, and gone when the block ends', async () => {
    verifies('berth:sdk:workspace-value')
    let id = ''
    {
      await using box = await client.workspaces.create({ template: 'local-starter', ttlMs: 600_000 })
      ;({ id } = box)
      expect(Object.keys(box)).not.toContain('exec')
      expect(JSON.parse(JSON.stringify(box))).toMatchObject({ id, ttl_ms: 600_000 })
      expect((await box.exec(['echo', 'hello'])).stdout).toBe('hello\n')
    }
    await expect(client.workspaces.get(id)).rejects.toMatchObject({ status: 410 })
  })

  test('a workspace that is stopped is started, also while it still stops', async () => {
    verifies('berth:sdk:workspace-value')
    await using box = await client.workspaces.create({ template: 'local-starter' })
    await client.workspaces.waitUntilReady(box)
    await client.workspaces.stop(box)
    const opened = await client.workspaces.open(box, { start: true })
    expect((await opened.exec(['true'])).exitCode).toBe(0)
  })
})

describe('the example', () => {
  const folder = fileURLToPath(new URL('../../../packages/sdk/examples/', import.meta.url))
  /** Runs an example as a program, and returns what it prints and its exit code. */
  const run = async (name: string, environment: Readonly<Record<string, string>> = {}): Promise<{ stdout: string; exitCode: number }> => {
    const env = {
      PATH: process.env['PATH'],
      BERTH_URL: deployment.server.url,
      BERTH_TOKEN: client.headers()['Coder-Session-Token'],
      ...environment,
    }
    const words = ['--conditions=@berth/source', '--import', 'tsx', `${folder}${name}.ts`]
    return await new Promise((resolve, reject) => {
      execFile(process.execPath, words, { env }, (error, stdout, stderr) => {
        if (stderr === '') resolve({ stdout, exitCode: Number(error?.code ?? 0) })
        else reject(new Error(stderr, { cause: error }))
      })
    })
  }

  test('of a CI runner shows what its steps print, and ends with the exit code of the one that fails', async () => {
    verifies('berth:sdk:examples')
    const { stdout, exitCode } = await run('ci-runner')
    expect([stdout, exitCode]).toEqual([
      expect.stringMatching(/^building\ntesting\nhello world\nchecking\nA step failed with exit code 1: /),
      1,
    ])
  })

  test('of an agent loop edits until the test passes', async () => {
    verifies('berth:sdk:examples')
    const { stdout } = await run('agent-loop')
    expect(stdout).toContain('The test failed: 2 + 3 is not -1\nThe test failed: 2 + 3 is not 6\nThe test passes after 3 attempts')
  })

  test('of a preview shows a page of the workspace', async () => {
    verifies('berth:sdk:examples')
    const { stdout } = await run('preview-url', { NODE_IN_WORKSPACE: process.execPath })
    expect(stdout).toBe('<h1>Hello from a workspace</h1>\nThe deployment has no host names for apps.\n')
  })

  test('of a terminal in a page shows what is typed there, and ends with the page', async () => {
    verifies('berth:sdk:examples')
    let stdout = ''
    const env = { PATH: process.env['PATH'], BERTH_URL: deployment.server.url, BERTH_TOKEN: client.headers()['Coder-Session-Token'] }
    const program = spawn(process.execPath, ['--conditions=@berth/source', '--import', 'tsx', `${folder}terminal-page.ts`], { env })
    program.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')))
    const ended = once(program, 'exit')
    const url = await eventually(async () => /Open (\S+)/.exec(stdout)?.[1])
    expect(await (await fetch(url)).text()).toContain('<title>A workspace</title>')
    const foreign = new WebSocket(url.replace('http', 'ws'), { headers: { Origin: 'https://evil.example' } })
    await expect(once(foreign, 'open')).rejects.toThrow('401')
    const typing = new WebSocket(url.replace('http', 'ws'), { headers: { Origin: url } })
    let shown = ''
    typing.on('message', (data: Buffer) => (shown += data.toString('utf8')))
    await once(typing, 'open')
    typing.send('echo $((6 * 7))\r')
    // Keys that arrive before the prompt leave their output behind it.
    await eventually(async () => (/\b42\r?$/m.test(shown) ? true : undefined))
    typing.close()
    expect(await ended).toEqual([0, null])
    expect(stdout).toContain('The page was closed.')
  })

  test('of a fleet adds up what all workspaces answer, and leaves none behind', async () => {
    verifies('berth:sdk:examples')
    expect((await run('fleet', { FLEET_SIZE: '3' })).stdout).toBe('3 workspaces counted 4498500\n')
    expect((await client.workspaces.list()).workspaces.map(({ name }) => name)).toEqual(['dev'])
  })
})

test('the audit log has commands without their arguments, and changes of files', async () => {
  verifies('berth:exec:audited')
  await exec(['true', '--password', 'hunter2'])
  await client.workspaceFiles.write({ params: { workspaceagent }, query: { path: 'audited.txt' }, body: Buffer.from('x') })
  const { audit_logs } = await client.audit.list({ query: { limit: 50 } })
  const fields = audit_logs.filter(({ resource_type }) => resource_type === 'workspace_execution').map((entry) => entry.additional_fields)
  expect(fields).toContainEqual({ operation: 'exec', program: 'true', arguments: '2' })
  expect(fields).toContainEqual({ operation: 'files.write', path: 'audited.txt' })
  expect(JSON.stringify(audit_logs)).not.toContain('hunter2')
})
