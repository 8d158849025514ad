import { Failure } from '@berth/schema'
import { expect, test, vi } from 'vitest'
import { OpenConnections, type Ending } from './open-connections.ts'

const ADA = { id: 'a1', groups: ['ada'] }
const ENDED: Ending = { closeReason: { code: 1008, text: 'ended' }, failure: new Failure('signed_out') }
const UNKNOWN: Ending = { closeReason: { code: 1008, text: 'unknown' }, failure: new Failure('signed_out') }

function setUp(signedIn: () => Promise<string[]>, options: { readonly failedLookup?: Ending } = { failedLookup: UNKNOWN }) {
  const asked: (readonly string[])[] = []
  const open = new OpenConnections({
    async findEnded(ids) {
      asked.push(ids)
      const good = await signedIn()
      return new Map(ids.filter((id) => !good.includes(id)).map((id) => [id, ENDED]))
    },
    ...options,
  })
  return { open, asked }
}

test('a wake-up for a user ends what their ended keys hold open, and nothing else', async () => {
  const { open, asked } = setUp(async () => await Promise.resolve(['a2']))
  const ends = { a1: vi.fn(), a2: vi.fn(), b1: vi.fn() }
  const since = open.moment
  for (const [id, end] of Object.entries(ends)) open.hold({ id, groups: [id.startsWith('a') ? 'ada' : 'bob'] }, { since, end })
  await open.wake('ada')
  expect(Object.values(ends).map(({ mock }) => mock.calls.length)).toEqual([1, 0, 0])
  expect(ends.a1).toHaveBeenCalledWith(ENDED)
  expect(asked).toEqual([['a1', 'a2']])
  await open.wake()
  expect(ends.b1).toHaveBeenCalledOnce()
})

test('no key is looked up while nothing is open', async () => {
  const { open, asked } = setUp(async () => await Promise.resolve([]))
  await open.wake()
  const end = vi.fn()
  open.hold(ADA, { since: open.moment, end })()
  await open.wake('ada')
  await open.wake()
  expect([asked, end.mock.calls]).toEqual([[], []])
})

test('a session that ends while its connection is being opened ends it', async () => {
  const { open } = setUp(async () => await Promise.resolve([]))
  const since = open.moment
  await open.wake('ada')
  const ended = new Promise((resolve) => open.hold(ADA, { since, end: resolve }))
  expect(await ended).toBe(ENDED)
})

test('when the lookup fails, everything in question ends, where it is said how', async () => {
  for (const [options, ending] of [
    [{ failedLookup: UNKNOWN }, [[UNKNOWN]]],
    [{}, []],
  ] as const) {
    const { open } = setUp(async () => await Promise.reject(new Error('the database is away')), options)
    const end = vi.fn()
    open.hold(ADA, { since: open.moment, end })
    await open.wake()
    expect(end.mock.calls).toEqual(ending)
  }
})

test('a holder is woken by each of its groups', async () => {
  const { open } = setUp(async () => await Promise.resolve([]))
  const end = vi.fn()
  for (const group of ['workspace', 'owner']) {
    const release = open.hold({ id: 'agent', groups: ['workspace', 'owner'] }, { since: open.moment, end })
    await open.wake(group)
    release()
  }
  expect(end).toHaveBeenCalledTimes(2)
})

test('wake-ups that come during a lookup share the next one', async () => {
  const answers: (() => void)[] = []
  const { open, asked } = setUp(async () => {
    await new Promise<void>((resolve) => answers.push(resolve))
    return ['a1', 'b1']
  })
  for (const [id, group] of [
    ['a1', 'ada'],
    ['b1', 'bob'],
  ] as const)
    open.hold({ id, groups: [group] }, { since: open.moment, end: vi.fn() })
  const first = open.wake('ada')
  await vi.waitFor(() => expect(asked).toHaveLength(1))
  const later = [open.wake('ada'), open.wake('bob'), open.wake('ada')]
  answers[0]?.()
  await first
  await vi.waitFor(() => expect(asked).toHaveLength(2))
  answers[1]?.()
  await Promise.all(later)
  expect(asked).toEqual([['a1'], ['a1', 'b1']])
})
