import { Failure, Workspace } from '@berth/schema'
import { exampleOf } from '@berth/schema/openapi'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createClient, type Client } from './create-client.ts'
import { openEventSource } from './event-source.ts'
import { startStubServer, type StubServer } from './stub-server.ts'
import { watchWorkspace } from './watch-workspace.ts'

const id = '08891da4-eab9-436f-a2c1-dcac63926249'
const retryDelayMs = () => 1
const named = (name: string): Workspace => ({ ...(exampleOf(Workspace) as Workspace), name })

let stub: StubServer
let client: Client
beforeEach(async () => {
  stub = await startStubServer()
  client = createClient({ url: stub.url })
})
afterEach(() => stub.close())

async function firstNames(count: number, options = {}): Promise<string[]> {
  const names: string[] = []
  for await (const workspace of watchWorkspace(client, id, { retryDelayMs, ...options })) {
    names.push(workspace.name)
    if (names.length === count) break
  }
  return names
}

test('every change is yielded in order, pings are not', async () => {
  stub.onStream('workspaces.watch', async (_, stream) => {
    for (const name of ['one', 'two', 'three']) {
      await stream.send(named(name))
      await stream.sendText('event: ping\n\n')
    }
  })
  expect(await firstNames(3)).toEqual(['one', 'two', 'three'])
})

test('changes that arrive together, or in pieces, are yielded one by one', async () => {
  stub.onStream('workspaces.watch', async (_, stream) => {
    const text = ['één', '二'].map((name) => `event: data\ndata: ${JSON.stringify(named(name))}\n\n`).join('')
    await stream.sendText(text)
    for (const character of text) await stream.sendText(character)
  })
  expect(await firstNames(4)).toEqual(['één', '二', 'één', '二'])
})

test('leaving the loop closes the stream', async () => {
  const left = new Promise<void>((resolve) => {
    stub.onStream('workspaces.watch', async (_, stream) => {
      stream.signal.addEventListener('abort', () => resolve())
      await stream.send(named('one'))
    })
  })
  await firstNames(1)
  await left
})

test('with `initial`, the workspace is read once the stream is open', async () => {
  stub.onStream('workspaces.watch', (_, stream) => stream.send(named('changed')))
  stub.on('workspaces.get', () => named('now'))
  expect(await firstNames(2, { initial: true })).toEqual(['now', 'changed'])
  expect(stub.requests.map((request) => request.operation)).toEqual(['workspaces.watch', 'workspaces.get'])
})

test.each(['break', 'end'] as const)('after a %s of the stream it is opened again and the workspace read', async (how) => {
  let connections = 0
  stub.onStream('workspaces.watch', async (_, stream) => {
    connections += 1
    await stream.send(named(`change ${connections}`))
    if (connections < 3) stream[how]()
  })
  stub.on('workspaces.get', () => named('missed'))
  expect(await firstNames(5)).toEqual(['change 1', 'missed', 'change 2', 'missed', 'change 3'])
})

test('after an error event the client reads the workspace itself', async () => {
  stub.onStream('workspaces.watch', (_, stream) => stream.sendText('event: error\ndata: {"message":"no"}\n\n'))
  stub.on('workspaces.get', () => named('read'))
  expect(await firstNames(1)).toEqual(['read'])
})

test.each(['not_found', 'signed_out', 'forbidden'] as const)('%s is for good', async (code) => {
  stub.on('workspaces.watch', () => {
    throw new Failure(code)
  })
  await expect(firstNames(1)).rejects.toMatchObject({ name: 'ApiError', status: new Failure(code).status })
  expect(stub.requests).toHaveLength(1)
})

test.each(['unavailable', 'internal', 'rate_limited'] as const)('%s passes', async (code) => {
  let refusals = 0
  stub.on('workspaces.watch', () => {
    refusals += 1
    if (refusals < 3) throw new Failure(code)
    return { event: 'ping' }
  })
  stub.onStream('workspaces.watch', (_, stream) => stream.send(named('back')))
  stub.on('workspaces.get', () => named('read'))
  expect(await firstNames(2)).toEqual(['read', 'back'])
})

test('the client waits for a server that is down', async () => {
  const { url } = stub
  await stub.close()
  const delays: number[] = []
  const giveUp = new AbortController()
  const watching = firstNames(1, {
    signal: giveUp.signal,
    retryDelayMs: (attempt: number) => {
      delays.push(attempt)
      if (attempt === 3) giveUp.abort(new Error(`gave up on ${url}`))
      return 1
    },
  })
  await expect(watching).rejects.toThrow(`gave up on ${url}`)
  expect(delays).toEqual([0, 1, 2, 3])
  stub = await startStubServer()
})

test('aborting throws the reason, even while nothing arrives', async () => {
  const controller = new AbortController()
  stub.onStream('workspaces.watch', () => {
    controller.abort(new Error('enough'))
  })
  await expect(firstNames(1, { signal: controller.signal })).rejects.toThrow('enough')
})

test('an event that is not JSON is an error', async () => {
  stub.onStream('workspaces.watch', (_, stream) => stream.sendText('event: data\ndata: {"id":\n\n'))
  await expect(firstNames(1)).rejects.toThrow('The server sent an event whose data is not JSON: "{"id":".')
})

test('a server that falls silent counts as gone', async () => {
  const stream = openEventSource(client, `/workspaces/${id}/watch`, { silenceMs: 20 })
  expect(await stream.next()).toEqual({ done: false, value: [] })
  await expect(stream.next()).rejects.toMatchObject({
    name: 'ConnectionError',
    message: `${stub.url} stopped sending. Check your network.`,
  })
})

test('an event without an end is refused before it fills the memory', async () => {
  stub.onStream('workspaces.watch', async (_, stream) => {
    while (!stream.signal.aborted) await stream.sendText(`data: ${'x'.repeat(1024 * 1024)}\n`)
  })
  await expect(firstNames(1)).rejects.toThrow('The server sent an event of more than 16777216 characters.')
})
