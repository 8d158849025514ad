import { readCitations, requirements } from '@berth/requirements'
import { expect, test } from 'vitest'
import { root } from './repository.ts'

const citations = readCitations(root)

test('every promised rule is cited by a test', () => {
  const cited = new Set(citations.map(({ id }) => id))
  const open = requirements.filter(({ id, due, knownGap }) => due === undefined && knownGap === undefined && !cited.has(id))
  expect(
    open.map(({ id }) => id),
    'prove each in a test that says verifies(its id), give its row a knownGap, or say what it is due with: tooling/requirements/src/rows',
  ).toEqual([])
})

test('every cited id is a row', () => {
  const ids = new Set<string>(requirements.map(({ id }) => id))
  expect(
    citations.filter(({ id }) => !ids.has(id)).map(({ id, file }) => `${file} cites ${id}, which no row in tooling/requirements has`),
  ).toEqual([])
})

test('a known gap is closed when a test proves it', () => {
  const cited = new Set(citations.map(({ id }) => id))
  expect(
    requirements.filter(({ id, knownGap }) => knownGap !== undefined && cited.has(id)).map(({ id }) => `${id}: remove its knownGap`),
  ).toEqual([])
})

test('what has come is no longer due', () => {
  const cited = new Set(citations.map(({ id }) => id))
  expect(requirements.filter(({ id, due }) => due !== undefined && cited.has(id)).map(({ id }) => `${id}: remove its due`)).toEqual([])
})
