import { expect, test } from 'vitest'
import type { PubSub, PubSubListener } from './pubsub.ts'
import { Bell, WakeUps } from './wake-ups.ts'

const NOBODY: PubSubListener = () => {}

function setUp() {
  let listener = NOBODY
  let isSubscribed = false
  const pubsub = {
    subscribe(_: string, heard: PubSubListener) {
      listener = heard
      isSubscribed = true
      return () => (isSubscribed = false)
    },
  } as unknown as PubSub
  const wakeUps = new WakeUps(pubsub, 'channel')
  return {
    wakeUps,
    hear: (payload?: string) => void listener(payload === undefined ? { kind: 'resync' } : { kind: 'message', payload }),
    isSubscribed: () => isSubscribed,
  }
}

test('a listener is woken by its own key only, and by a resync', () => {
  const { wakeUps, hear } = setUp()
  const woken: string[] = []
  wakeUps.on('a', () => woken.push('a'))
  wakeUps.on('a', () => woken.push('a too'))
  wakeUps.on('b', () => woken.push('b'))
  hear('b')
  hear('c')
  expect(woken).toEqual(['b'])
  hear('a')
  expect(woken).toEqual(['b', 'a', 'a too'])
  hear()
  expect(woken).toEqual(['b', 'a', 'a too', 'a', 'a too', 'b'])
})

test('a listener that stopped is not woken, and those that remain are', () => {
  const { wakeUps, hear } = setUp()
  const woken: string[] = []
  const stop = wakeUps.on('a', () => woken.push('first'))
  wakeUps.on('a', () => woken.push('second'))
  stop()
  stop()
  hear('a')
  expect(woken).toEqual(['second'])
})

test('after close nobody is woken and nothing is subscribed', () => {
  const { wakeUps, hear, isSubscribed } = setUp()
  const woken: string[] = []
  wakeUps.on('a', () => woken.push('a'))
  wakeUps.close()
  hear('a')
  expect([woken, isSubscribed()]).toEqual([[], false])
})

test('rings that nobody waited for count as one', async () => {
  const bell = new Bell()
  bell.ring()
  bell.ring()
  await bell.next()
  const waiting = bell.next({ timeoutMs: 60_000 }).then(() => 'rung')
  expect(await Promise.race([waiting, new Promise((resolve) => setImmediate(() => resolve('still waiting')))])).toBe('still waiting')
  bell.ring()
  expect(await waiting).toBe('rung')
})

test('waiting ends with the time and with the signal, before and during it', async () => {
  const bell = new Bell()
  await bell.next({ timeoutMs: 1 })
  await bell.next({ signal: AbortSignal.abort() })
  const abort = new AbortController()
  const waiting = bell.next({ signal: abort.signal })
  abort.abort()
  await waiting
})
