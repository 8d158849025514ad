import { expect, test, vi } from 'vitest'
import { OpenSessions } from './open-sessions.ts'

const ADA = { user_id: 'ada', key_id: 'a1' }

function setUp(signedIn: () => Promise<string[]>) {
  const asked: (readonly string[])[] = []
  const sessions = new OpenSessions(async (keyIds) => {
    asked.push(keyIds)
    return new Set(await signedIn())
  })
  return { sessions, asked }
}

test('a wake-up for a user ends what their ended keys hold open, and nothing else', async () => {
  const { sessions, asked } = setUp(async () => await Promise.resolve(['a2']))
  const ends = { a1: vi.fn(), a2: vi.fn(), b1: vi.fn() }
  const since = sessions.moment
  for (const [key_id, end] of Object.entries(ends))
    sessions.hold({ user_id: key_id.startsWith('a') ? 'ada' : 'bob', key_id }, { since, end })
  await sessions.wake('ada')
  expect(Object.values(ends).map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0])
  expect(asked).toEqual([['a1', 'a2']])
  await sessions.wake()
  expect(ends.b1).toHaveBeenCalledOnce()
})

test('no key is looked up while nothing is open', async () => {
  const { sessions, asked } = setUp(async () => await Promise.resolve([]))
  await sessions.wake()
  const end = vi.fn()
  sessions.hold(ADA, { since: sessions.moment, end })()
  await sessions.wake('ada')
  await sessions.wake()
  expect([asked, end.mock.calls]).toEqual([[], []])
})

test('a session that ends while its connection is being opened ends it', async () => {
  const { sessions } = setUp(async () => await Promise.resolve([]))
  const since = sessions.moment
  await sessions.wake('ada')
  const ended = new Promise<void>((resolve) => sessions.hold(ADA, { since, end: resolve }))
  await ended
})

test('when the lookup fails, everything in question ends', async () => {
  const { sessions } = setUp(async () => await Promise.reject(new Error('the database is away')))
  const end = vi.fn()
  sessions.hold(ADA, { since: sessions.moment, end })
  await sessions.wake()
  expect(end).toHaveBeenCalledOnce()
})
