import { expect, test } from 'vitest'
import { MessageReader } from './message-reader.ts'
import type { WebSocketLike } from './websocket.ts'

/** A socket with the test at its other end. */
class ScriptedSocket implements WebSocketLike {
  readonly #listeners = new Map<string, (event: object) => void>()
  readonly calls: string[] = []
  pause?: () => void
  resume?: () => void

  constructor({ canPause }: { readonly canPause: boolean }) {
    if (!canPause) return
    this.pause = () => void this.calls.push('pause')
    this.resume = () => void this.calls.push('resume')
  }

  addEventListener(type: string, listener: (event: never) => void): void {
    // The interface's overloads tie the listener to its event type; this single signature can't.
    this.#listeners.set(type, listener as (event: object) => void)
  }
  emit(type: string, event: object = {}): void {
    this.#listeners.get(type)?.(event)
  }
  say(count: number): void {
    for (let index = 0; index < count; index += 1) this.emit('message', { data: String(index) })
  }
  close(code?: number): void {
    this.calls.push(`close ${code}`)
  }
}

async function take(reader: MessageReader, count: number): Promise<(string | undefined)[]> {
  const taken = []
  for (let index = 0; index < count; index += 1) taken.push(await reader.next())
  return taken
}
const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index))

test('a full reader pauses the socket, and resumes it when most is read', async () => {
  const socket = new ScriptedSocket({ canPause: true })
  const reader = new MessageReader(socket)
  socket.say(999)
  expect(socket.calls).toEqual([])
  socket.say(5)
  expect(socket.calls).toEqual(['pause'])
  await take(reader, 899)
  expect(socket.calls).toEqual(['pause'])
  await take(reader, 101)
  expect(socket.calls).toEqual(['pause', 'resume'])
})

test('a socket that cannot pause is closed when too much waits; waiting messages are still read', async () => {
  const socket = new ScriptedSocket({ canPause: false })
  const reader = new MessageReader(socket)
  socket.say(10_050)
  expect(socket.calls).toEqual(['close 1000'])
  socket.emit('close', { code: 1000 })
  expect(await take(reader, 10_001)).toEqual([...numbers(10_000), undefined])
  expect(reader.closeCode).toBeUndefined()
})

test('messages before the close are read before the end', async () => {
  const socket = new ScriptedSocket({ canPause: true })
  const reader = new MessageReader(socket)
  const first = reader.next()
  socket.emit('open')
  socket.say(3)
  socket.emit('close', { code: 1012 })
  expect([await first, ...(await take(reader, 3))]).toEqual(['0', '1', '2', undefined])
  expect([reader.hasOpened, reader.closeCode]).toEqual([true, 1012])
})

test('the first error is kept', () => {
  const socket = new ScriptedSocket({ canPause: true })
  const reader = new MessageReader(socket)
  socket.emit('error', { error: new Error('first') })
  socket.emit('error', { error: new Error('second') })
  expect(reader.error).toEqual(new Error('first'))
})

test('aborting closes the socket and ends reading at once', async () => {
  const controller = new AbortController()
  const socket = new ScriptedSocket({ canPause: true })
  const reader = new MessageReader(socket, controller.signal)
  socket.say(3)
  controller.abort()
  reader.close()
  expect(await reader.next()).toBeUndefined()
  expect(socket.calls).toEqual(['close 1000'])
})
