import { WorkspaceProcess } from '@berth/schema'
import { exampleOf } from '@berth/schema/openapi'
import { expect, test } from 'vitest'
import { ConnectionError } from './connection-error.ts'
import { RunningProcess } from './running-process.ts'
import type { SocketMessage, WebSocketLike } from './websocket.ts'

const process = exampleOf(WorkspaceProcess) as WorkspaceProcess

/** A socket whose other end is the test. */
class FakeSocket implements WebSocketLike {
  readonly sent: (string | Uint8Array)[] = []
  readonly #listeners = new Map<string, (event: object) => void>()
  closeCode: number | undefined
  bufferedAmount = 0
  binaryType = ''

  addEventListener(type: string, listener: (event: never) => void): void {
    this.#listeners.set(type, listener as (event: object) => void)
  }
  send(data: string | Uint8Array): void {
    this.sent.push(data)
  }
  close(code?: number): void {
    this.closeCode = code ?? 1005
  }
  emit(type: string, event: object = {}): void {
    this.#listeners.get(type)?.(event)
  }
  says(message: object): void {
    this.emit('message', { data: JSON.stringify(message) } satisfies SocketMessage)
  }
  writes(channel: number, text: string): void {
    const bytes = new TextEncoder().encode(text)
    this.emit('message', { data: Uint8Array.of(channel, ...bytes).buffer } satisfies SocketMessage)
  }
}

async function start(socket: FakeSocket): Promise<RunningProcess> {
  const running = new RunningProcess(async () => await Promise.resolve(socket), { url: 'http://x', request: { command: ['x'] } })
  await Promise.resolve()
  await Promise.resolve()
  socket.emit('open')
  socket.says({ started: process })
  await running.started
  return running
}

async function all(lines: AsyncIterable<string>): Promise<string[]> {
  const found: string[] = []
  for await (const line of lines) found.push(line)
  return found
}

test('the request is the first message, and stdin is 0 and bytes', async () => {
  const socket = new FakeSocket()
  const running = await start(socket)
  await running.write('é')
  expect(socket.binaryType).toBe('arraybuffer')
  expect(socket.sent).toEqual(['{"command":["x"]}', Uint8Array.of(0, 0xc3, 0xa9)])
})

test('lines end in any way, are cut in any place, and the last may have no end', async () => {
  const socket = new FakeSocket()
  const running = await start(socket)
  for (const [channel, text] of [
    [1, 'a\r'],
    [1, '\nb'],
    [2, 'wrong\n'],
    [1, 'c\n\n'],
    [1, 'end'],
  ] as const)
    socket.writes(channel, text)
  socket.says({ exited: { exit_code: 0, signal: '' } })
  expect(await all(running.lines())).toEqual(['a', 'wrong', 'bc', '', 'end'])
  expect(await running.exited()).toEqual({ exitCode: 0, signal: '' })
})

test('a line that never ends is cut instead of kept', async () => {
  const socket = new FakeSocket()
  const running = await start(socket)
  const text = 'x'.repeat(1024 * 1024)
  socket.emit('message', { data: new TextEncoder().encode(`\u0001${text}y`).buffer })
  socket.says({ exited: { exit_code: 0, signal: '' } })
  expect((await all(running.lines())).map((line) => line.length)).toEqual([text.length + 1])
})

test('a socket that breaks rejects what waits, with what to do', async () => {
  const socket = new FakeSocket()
  const running = await start(socket)
  socket.writes(1, 'before\n')
  socket.emit('close', { code: 1006, reason: '' })
  const lines = running.lines()
  expect((await lines.next()).value).toBe('before')
  const broken = 'The connection to the process broke (1006). Attach to it again if it is detached.'
  await expect(lines.next()).rejects.toThrow(broken)
  const error = await running.wait().catch((reason: unknown) => reason)
  expect([ConnectionError.is(error), (error as Error).message]).toEqual([true, broken])
})

test('a socket that cannot be paused is closed when too much is unread, and none is once it is dropped', async () => {
  const socket = new FakeSocket()
  const running = await start(socket)
  const megabyte = new Uint8Array(1024 * 1024 + 1).fill(1).buffer
  for (let count = 0; count < 63; count++) socket.emit('message', { data: megabyte })
  expect(socket.closeCode).toBeUndefined()
  socket.emit('message', { data: megabyte })
  expect(socket.closeCode).toBe(1005)
  const other = new FakeSocket()
  const ignored = (await start(other)).ignoreOutput()
  for (let count = 0; count < 70; count++) other.emit('message', { data: megabyte })
  other.says({ exited: { exit_code: 3, signal: '' } })
  expect(await ignored.wait()).toEqual({ exitCode: 3, signal: '' })
  const reading = all(running.lines())
  await expect(reading).rejects.toThrow('The process wrote more than was read.')
})

test('leaving closes the socket, and what waits rejects', async () => {
  const socket = new FakeSocket()
  const running = await start(socket)
  const ended = running.exited()
  running.close()
  expect(socket.closeCode).toBe(1000)
  await expect(ended).rejects.toThrow('The process was left before it ended.')
})

test('what cannot open a socket rejects with its reason', async () => {
  const running = new RunningProcess(async () => await Promise.reject(new Error('no agent')), { url: 'http://x' })
  await expect(running.started).rejects.toThrow('no agent')
  await expect(running.write('x')).rejects.toThrow('no agent')
})
