import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UidPool, defaultUidRange, unusedUidRange } from './uid-pool.ts'

let directory: string

beforeEach(async () => {
  directory = join(await mkdtemp(join(tmpdir(), 'berth-uids-')), 'uids')
})

afterEach(async () => {
  await rm(join(directory, '..'), { recursive: true, force: true })
})

const pool = (count: number, start = 0): UidPool =>
  new UidPool({ directory, range: { first: 1_000, last: 999 + count }, pick: () => start })

test('a workspace keeps its uid until it is freed', async () => {
  const uids = pool(5, 3)
  expect(await uids.find('a')).toBeUndefined()
  expect(await uids.claim('a')).toBe(1_003)
  expect(await uids.claim('a')).toBe(1_003)
  expect(await uids.find('a')).toBe(1_003)
  expect(await uids.claim('b')).toBe(1_004)
  expect(await uids.claim('c')).toBe(1_000)
  await uids.release('a')
  expect(await uids.find('a')).toBeUndefined()
  await uids.release('a')
  expect((await readdir(directory)).sort()).toEqual(['1000', '1004'])
})

test('two pools with the same folder never assign a uid twice', async () => {
  const claims = await Promise.all(Array.from({ length: 20 }, async (_, index) => await pool(20).claim(`workspace-${index}`)))
  expect(new Set(claims).size).toBe(20)
})

test('a pool without free uids says so', async () => {
  const uids = pool(1)
  await uids.claim('a')
  await expect(uids.claim('b')).rejects.toThrow('all 1 uids for workspaces (1000 to 1000) are taken; delete workspaces or widen the range')
})

test.each([
  ['         0          0 4294967295\n', unusedUidRange],
  ['         0     100000      65536\n', { first: 30_000, last: 59_999 }],
  ['         0       1000          1\n         1     100000      65536\n', { first: 30_000, last: 59_999 }],
  ['', unusedUidRange],
])('the uid map %j gives the right range', (map, range) => {
  expect(defaultUidRange(map)).toEqual(range)
})
