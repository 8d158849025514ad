import { verifies } from '@berth/requirements'
import { Failure, type ProvisionerJobLog } from '@berth/schema'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createClient, type Client } from './create-client.ts'
import { followLogs, type FollowOptions, type LogSource } from './follow-logs.ts'
import { startStubServer, type StubServer } from './stub-server.ts'
import type { WebSocketConstructor, WebSocketLike } from './websocket.ts'

const id = 'e6c82942-d882-4829-a3eb-9e594b500463'
const source = { build: id }

let stub: StubServer
let client: Client
beforeEach(async () => {
  stub = await startStubServer({ token: 'session' })
  client = createClient({ url: stub.url, token: 'session' })
})
afterEach(() => stub.close())

const entry = (number: number): ProvisionerJobLog => ({
  id: number,
  created_at: '2022-12-19T10:00:00Z',
  log_source: 'provisioner',
  log_level: 'info',
  stage: 'Starting workspace',
  output: `line ${number}`,
})
const entries = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => entry(from + index))

async function idsOf(from: LogSource = source, options: FollowOptions = {}, by: Client = client): Promise<number[]> {
  const ids: number[] = []
  for await (const log of followLogs(by, from, { retryDelayMs: () => 1, ...options })) ids.push(log.id)
  return ids
}
const urls = () => stub.requests.map((request) => request.url.replace(/^.*\//, ''))

test.each([
  ['a build', source, 'builds.logs'],
  ['a template version', { templateVersion: id }, 'templateVersions.logs'],
] as const)('the log of %s is yielded to its end', async (_, from, operation) => {
  stub.on(operation, () => entries(1, 3))
  expect(await idsOf(from)).toEqual([1, 2, 3])
  expect(urls()).toEqual(['logs?follow='])
})

test('`after` skips known entries', async () => {
  stub.onStream('builds.logs', async (_, stream) => {
    for (const log of entries(4, 8)) await stream.send(log)
    stream.end()
  })
  expect(await idsOf(source, { after: 5 })).toEqual([6, 7, 8])
  expect(urls()).toEqual(['logs?follow=&after=5'])
})

test.each(['break', 'end'] as const)('after a %s without a proper end the log goes on after the last entry, nothing twice', async (how) => {
  let connections = 0
  stub.onStream('builds.logs', async (_, stream) => {
    connections += 1
    // The second connection repeats entries of the first.
    for (const log of entries(1, connections * 2)) await stream.send(log)
    if (connections === 3) stream.end()
    else if (how === 'break') stream.break()
    else stream.end(1012)
  })
  const ids = await idsOf()
  expect(ids).toEqual([...new Set(ids)])
  expect(ids).toEqual(entries(1, 6).map((log) => log.id))
  expect(urls()).toHaveLength(3)
  expect(urls()[0]).toBe('logs?follow=')
})

async function comeBack(port: number): Promise<void> {
  stub = await startStubServer({ port })
  stub.on('builds.logs', () => entries(2, 3))
}

test('the log continues when the server comes back', async () => {
  verifies('berth:packages:sdk-reconnects')
  const port = Number(new URL(stub.url).port)
  stub.onStream('builds.logs', (_, stream) => stream.send(entry(1)))
  const ids: number[] = []
  for await (const log of followLogs(client, source, { retryDelayMs: () => 5 })) {
    ids.push(log.id)
    if (log.id > 1) continue
    await stub.close()
    // The server returns only after one or two failed attempts.
    await expect(fetch(stub.url)).rejects.toThrow('fetch failed')
    setTimeout(() => void comeBack(port), 20)
  }
  expect(ids).toEqual([1, 2, 3])
  expect(urls().at(-1)).toBe('logs?follow=&after=1')
})

test('leaving the loop closes the socket', async () => {
  const left = new Promise<void>((resolve) => {
    stub.onStream('builds.logs', async (_, stream) => {
      stream.signal.addEventListener('abort', () => resolve())
      await stream.send(entry(1))
    })
  })
  for await (const log of followLogs(client, source)) {
    expect(log).toEqual(entry(1))
    break
  }
  await left
})

test('aborting throws the reason, even while nothing arrives', async () => {
  const controller = new AbortController()
  stub.onStream('builds.logs', () => {
    controller.abort(new Error('enough'))
  })
  await expect(idsOf(source, { signal: controller.signal })).rejects.toThrow('enough')
  await expect(idsOf(source, { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before')
})

test("a refused handshake throws the server's answer", async () => {
  stub.on('builds.logs', () => {
    throw new Failure('not_found')
  })
  await expect(idsOf()).rejects.toMatchObject({ name: 'ApiError', status: 404, message: new Failure('not_found').message })
  expect(urls()).toHaveLength(1)
})

test('an overloaded server is asked again', async () => {
  let refusals = 0
  stub.on('builds.logs', () => {
    refusals += 1
    if (refusals < 3) throw new Failure('unavailable')
    return entries(1, 2)
  })
  expect(await idsOf()).toEqual([1, 2])
})

test('an entry that is not JSON is an error', async () => {
  stub.onStream('builds.logs', (_, stream) => stream.sendText('oops'))
  await expect(idsOf()).rejects.toThrow('The server sent a log entry that is not JSON: "oops".')
})

test('a slow reader gets every entry in order', async () => {
  const count = 20_000
  stub.onStream('builds.logs', async (_, stream) => {
    for (const log of entries(1, count)) await stream.send({ ...log, output: 'x'.repeat(500) })
    stream.end()
  })
  let expected = 1
  for await (const log of followLogs(client, source)) {
    expect(log.id).toBe(expected)
    expected += 1
    if (expected % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  expect(expected).toBe(count + 1)
})

/** A socket that fails to open without saying why, as in a browser. */
class RefusedSocket implements WebSocketLike {
  addEventListener(type: string, listener: (event: never) => void): void {
    const event = type === 'close' ? { code: 1006, reason: '' } : {}
    // The interface's overloads tie the listener to its event type; this single signature can't.
    if (type === 'close' || type === 'error') setImmediate(() => (listener as (event: object) => void)(event))
  }
  close(): void {
    // There is nothing to close.
  }
}

test('if the socket gives no reason, a plain request finds it out', async () => {
  const WebSocket: WebSocketConstructor = RefusedSocket
  const blind = createClient({ url: stub.url, token: 'wrong', WebSocket })
  await expect(idsOf(source, {}, blind)).rejects.toMatchObject({ name: 'ApiError', status: 401 })
  expect(urls()).toEqual(['logs'])
})

test('the client gives up on a server that answers but accepts no socket', async () => {
  const blind = createClient({ url: stub.url, token: 'session', WebSocket: RefusedSocket })
  const message = `${stub.url} answers, but no WebSocket reaches it. Check that proxies in between allow WebSocket upgrades.`
  await expect(idsOf(source, { after: 7 }, blind)).rejects.toMatchObject({ name: 'ConnectionError', message })
  expect(urls()).toEqual(Array(5).fill('logs?after=7'))
})
