import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/database/create-test-database.ts'
import { execute } from '../../test/database/test-postgres.ts'
import type { Database } from './database.ts'
import { notify, PubSub, type PubSubMessage, type PubSubOptions } from './pubsub.ts'

const logger = pino({ level: 'silent' })
let testDatabase: TestDatabase
let database: Database

beforeAll(async () => {
  testDatabase = await createTestDatabase()
  database = await testDatabase.open()
})
afterAll(async () => await testDatabase.drop())

async function listen(options: Partial<PubSubOptions> = {}): Promise<PubSub> {
  const pubsub = new PubSub({ connectionUrl: testDatabase.url, logger, ...options })
  onTestFinished(async () => await pubsub.close())
  await pubsub.ready
  return pubsub
}

/** Returns what a channel's listener hears, in order; `next` waits for more. */
function record(pubsub: PubSub, channel: string): { heard: PubSubMessage[]; next: () => Promise<PubSubMessage>; unsubscribe: () => void } {
  const heard: PubSubMessage[] = []
  let read = 0
  let wake: (() => void) | undefined
  const unsubscribe = pubsub.subscribe(channel, (message) => {
    heard.push(message)
    wake?.()
  })
  const next = async (): Promise<PubSubMessage> => {
    for (;;) {
      const message = heard[read]
      if (message !== undefined) {
        read++
        return message
      }
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }
  return { heard, next, unsubscribe }
}

const message = (payload: string): PubSubMessage => ({ kind: 'message', payload })

test('messages of a transaction are heard in order when it commits, and not when it rolls back', async () => {
  const { next } = record(await listen(), 'jobs')
  await database.transaction(async (transaction) => {
    await notify(transaction, 'jobs', 'one')
    await notify(transaction, 'jobs', 'two words')
  })
  await expect(
    database.transaction(async (transaction) => {
      await notify(transaction, 'jobs', 'never')
      throw new Error('rolled back')
    }),
  ).rejects.toThrow('rolled back')
  await notify(database.kysely, 'jobs')
  expect([await next(), await next(), await next()]).toEqual([message('one'), message('two words'), message('')])
})

test('a listener hears its own channel alone, until it unsubscribes', async () => {
  const pubsub = await listen()
  const jobs = record(pubsub, 'jobs')
  const other = record(pubsub, 'job')
  await notify(database.kysely, 'jobs', 'one')
  await jobs.next()
  jobs.unsubscribe()
  await notify(database.kysely, 'jobs', 'two')
  await notify(database.kysely, 'job', 'three')
  expect(await other.next()).toEqual(message('three'))
  expect(jobs.heard).toEqual([message('one')])
})

test('a failing listener, sync or async, does not affect others', async () => {
  const pubsub = await listen()
  pubsub.subscribe('jobs', () => {
    throw new Error('at once')
  })
  pubsub.subscribe('jobs', async () => await Promise.reject(new Error('later')))
  const { next } = record(pubsub, 'jobs')
  await notify(database.kysely, 'jobs', 'one')
  await notify(database.kysely, 'jobs', 'two')
  expect([await next(), await next()]).toEqual([message('one'), message('two')])
})

test('after a broken connection every listener gets a resync and hears again', async () => {
  const pubsub = await listen()
  const jobs = record(pubsub, 'jobs')
  const logs = record(pubsub, 'logs')
  await execute(testDatabase.url, [
    `select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen berth' and datname = current_database()`,
  ])
  expect([await jobs.next(), await logs.next()]).toEqual([{ kind: 'resync' }, { kind: 'resync' }])
  await notify(database.kysely, 'jobs', 'again')
  expect(await jobs.next()).toEqual(message('again'))
})

test('a silent peer is noticed, and the connection is made anew', async () => {
  const proxy = await startProxy(new URL(testDatabase.url).searchParams.get('host') ?? '')
  const url = new URL(testDatabase.url)
  url.searchParams.set('host', '127.0.0.1')
  url.searchParams.set('port', String(proxy.port))
  const pubsub = await listen({ connectionUrl: url.href, heartbeatIntervalMs: 20, answerTimeoutMs: 200 })
  const { next } = record(pubsub, 'jobs')
  proxy.silence()
  expect(await next()).toEqual({ kind: 'resync' })
})

test('a payload of 8000 bytes with its channel is refused, one byte less is heard', async () => {
  const { next } = record(await listen(), 'jobs')
  const longest = 'é'.repeat(3_997) // 7994 bytes, and `jobs ` is five
  await notify(database.kysely, 'jobs', longest)
  expect(await next()).toEqual(message(longest))
  await expect(notify(database.kysely, 'jobs', `${longest}a`)).rejects.toThrow(RangeError)
})

test.each(['', 'two words', 'a\n'])('%j is no name for a channel', async (channel) => {
  await expect(notify(database.kysely, channel, '')).rejects.toThrow(TypeError)
})

test('close works while the server is absent', async () => {
  const pubsub = new PubSub({ connectionUrl: 'postgresql:///berth?host=%2Fnonexistent&user=berth', logger })
  await pubsub.close()
})

/** Forwards connections to PostgreSQL's socket until told to fall silent on open ones. */
async function startProxy(folder: string): Promise<{ port: number; silence: () => void }> {
  const pairs: [Socket, Socket][] = []
  const server = createServer((socket) => {
    const upstream = connect(`${folder}/.s.PGSQL.5432`)
    for (const end of [socket, upstream]) end.on('error', () => {}).on('close', () => void (socket.destroy(), upstream.destroy()))
    socket.pipe(upstream).pipe(socket)
    pairs.push([socket, upstream])
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  onTestFinished(() => void server.close())
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    silence: () => {
      for (const [socket, upstream] of pairs.splice(0)) {
        socket.unpipe(upstream)
        upstream.unpipe(socket)
        socket.resume()
      }
    },
  }
}
