import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { Writable } from 'node:stream'
import { verifies } from '@berth/requirements'
import { Failure } from '@berth/schema'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import type { Signal } from '../src/world.ts'
import { agent, build, id, workspace } from './fixtures.ts'
import { runBerth, type Outcome } from './run-berth.ts'
import { startStubWorkspace, type StubWorkspace } from './stub-workspace.ts'

let far: StubWorkspace
beforeEach(async () => {
  far = await startStubWorkspace()
  far.stub.onStream('workspaces.watch', async (_request, stream) => await stream.send(workspace()))
})
afterEach(() => far.close())

interface Forwarding {
  readonly port: number
  readonly ended: Promise<Outcome>
  readonly send: (signal: Signal) => void
}

/** Forwards a local port to the one of the stub workspace that sends back what it gets. */
async function forward(...words: string[]): Promise<Forwarding> {
  let send: ((signal: Signal) => void) | undefined
  let printed = ''
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      printed += chunk.toString()
      done()
    },
  })
  const environment = { BERTH_URL: far.url, BERTH_SESSION_TOKEN: 'secret' }
  const ended = runBerth(['port-forward', 'dev', '--tcp', '0:7', ...words], {
    environment,
    output,
    onStart: (start) => {
      send = start
    },
  })
  await expect.poll(() => printed, { timeout: 10_000 }).toContain('Ready!')
  return { port: Number(/127\.0\.0\.1:(\d+)/.exec(printed)?.[1]), ended, send: (signal) => send?.(signal) }
}

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function exchange(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  return String(((await once(socket, 'data')) as [Buffer])[0])
}

test('a lost connection resets what was open, says so, and serves the next connection', async () => {
  const { port, ended, send } = await forward()
  const before = await open(port)
  expect(await exchange(before, 'one')).toBe('one')
  far.breakConnections()
  const [error] = (await once(before, 'error')) as [NodeJS.ErrnoException]
  expect(error.code).toBe('ECONNRESET')
  expect(await exchange(await open(port), 'two')).toBe('two')
  send('SIGINT')
  const { code, stderr } = await ended
  expect(code).toBe(0)
  expect(stderr).toMatch(/^Lost the connection to dev\. Reconnecting: new connections wait\. \(.*\)\nConnected to dev again\.\n$/)
})

test('SIGTERM ends it well too, and resets what is open', async () => {
  const { port, ended, send } = await forward()
  const socket = await open(port)
  expect(await exchange(socket, 'one')).toBe('one')
  const reset = once(socket, 'error') as Promise<[NodeJS.ErrnoException]>
  send('SIGTERM')
  expect((await ended).code).toBe(0)
  expect((await reset)[0].code).toBe('ECONNRESET')
})

test('a session that ends while the connection is lost ends it with an error', async () => {
  verifies('berth:cli:port-forward-ends')
  const { ended } = await forward()
  far.stub.on('workspaces.get', () => {
    throw new Failure('signed_out')
  })
  far.breakConnections()
  const { code, stderr } = await ended
  expect(code).toBe(1)
  expect(stderr).toContain('BERTH_SESSION_TOKEN')
})

test('a workspace that is deleted ends it with an error', async () => {
  verifies('berth:cli:port-forward-ends')
  const { ended } = await forward()
  const deleted = workspace({ latest_build: build({ transition: 'delete', status: 'deleted' }, []) })
  far.stub.on('workspaces.get', () => deleted)
  far.breakConnections()
  expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('The workspace dev is deleted.') as string })
})

test('a workspace that stops is waited for, and says so', async () => {
  const { port, ended, send } = await forward()
  const stopped = workspace({ latest_build: build({ transition: 'stop', status: 'stopped' }, []) })
  let start: (() => void) | undefined
  far.stub.on('workspaces.get', () => stopped)
  far.stub.onStream('workspaces.watch', async (_request, stream) => {
    await stream.send(stopped)
    await new Promise<void>((resolve) => {
      start = resolve
    })
    await stream.send(workspace())
  })
  far.breakConnections()
  await expect.poll(() => start, { timeout: 10_000 }).toBeDefined()
  const socket = await open(port)
  const answer = exchange(socket, 'early')
  start?.()
  expect(await answer).toBe('early')
  send('SIGINT')
  expect((await ended).stderr).toContain('dev is stopped. Waiting for it.\nConnected to dev again.\n')
})

test('one of several agents is named as for berth ssh', async () => {
  const two = build({}, [agent({ name: 'cpu', id: id(99) }), agent()])
  far.stub.on('workspaces.getByOwnerAndName', () => workspace({ latest_build: two }))
  const environment = { BERTH_URL: far.url, BERTH_SESSION_TOKEN: 'secret' }
  const { code, stderr } = await runBerth(['tunnel', 'dev', '-p', '1'], { environment })
  expect(code).toBe(1)
  expect(stderr).toContain('The workspace dev has several agents: cpu, main.')
})

test('words that name no port are refused before anything is asked', async () => {
  const { code, stderr } = await runBerth(['port-forward', 'dev', '--tcp', '8080:web'])
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr:
      "\"8080:web\" isn't a port to forward. Use 8080, 8080:3000, 8000-8010 or 127.0.0.1:8080:3000.\nRun 'berth port-forward --help' for usage.\n",
  })
})
