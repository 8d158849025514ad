import { describe, expect, test } from 'vitest'
import { citedIn } from './citations.ts'
import { coverage, renderCoverage } from './coverage.ts'
import { requirements, type RequirementId } from './requirements.ts'
import { verifies } from './verifies.ts'

// Assembled, so that this file itself cites nothing.
const cite = (ids: string) => `verifies${ids}`

describe('rows', () => {
  test('every ID is used once', () => {
    const ids = requirements.map(({ id }) => id)
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([])
  })

  test('IDs are kebab-case parts joined by colons', () => {
    expect(requirements.map(({ id }) => id).filter((id) => !/^[a-z0-9]+(-[a-z0-9]+)*(:[a-z0-9]+(-[a-z0-9]+)*)*$/.test(id))).toEqual([])
  })

  test('texts are sentences', () => {
    expect(requirements.filter(({ text }) => !text.endsWith('.')).map(({ id }) => id)).toEqual([])
  })
})

describe('citations', () => {
  test('single, multiple and multi-line IDs are found', () => {
    const source = [cite(`('a:one')`), cite(`('a:two', "a:three")`), cite(`(\n  'a:four',\n  'a:five',\n)`)].join('\n')
    expect(citedIn(source)).toEqual(['a:one', 'a:two', 'a:three', 'a:four', 'a:five'])
  })

  test('a comment cites nothing', () => {
    expect(citedIn([`// ${cite(`('a:one')`)}`, `/* ${cite(`('a:two')`)} */`].join('\n'))).toEqual([])
  })

  test('a string that looks like a comment hides no citation', () => {
    expect(citedIn([`glob('apps/*/src')`, cite(`('a:one')`), `glob('tooling/*/src')`].join('\n'))).toEqual(['a:one'])
  })

  test('an unknown ID is refused at run time', () => {
    const wrong = 'workspaces:no-such-rule' as RequirementId
    expect(() => verifies(wrong)).toThrow('No requirement is called workspaces:no-such-rule')
  })
})

test('a row is proven if cited, later if due with a feature, a gap if it has a reason, and unproven otherwise', () => {
  const row = { section: 'workspaces §1', text: 'A rule.' }
  const areas = coverage(
    [
      { ...row, id: 'proven' },
      { ...row, id: 'unproven' },
      { ...row, id: 'later', due: 'the rest' },
      { ...row, id: 'gap', knownGap: 'waits for a decision' },
    ],
    [{ id: 'proven', file: 'a.test.ts' }],
  )
  const ids = areas.map((area) => ({
    area: area.area,
    proven: area.proven.map(({ id }) => id),
    unproven: area.unproven.map(({ id }) => id),
    later: area.later.map(({ id }) => id),
    gaps: area.gaps.map(({ id }) => id),
  }))
  expect(ids).toEqual([{ area: 'workspaces', proven: ['proven'], unproven: ['unproven'], later: ['later'], gaps: ['gap'] }])
  expect(renderCoverage(areas)).toContain('1 proven, 1 unproven, 1 later, 1 known gaps')
})
