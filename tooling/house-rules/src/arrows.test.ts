import { expect, test } from 'vitest'
import { foundArrows, PACKAGES, statedArrows, type Arrows } from './arrows.ts'

const stated = statedArrows()

test('ARCHITECTURE.md states the arrows between the packages, and inside those that have floors', () => {
  expect([...stated.keys()]).toEqual(expect.arrayContaining([PACKAGES, 'apps/server/src', 'apps/cli/src', 'packages/provisioner/src']))
})

test.each([...stated])('below %s, ARCHITECTURE.md draws each arrow that the sources have, and no other', (folder, arrows) => {
  const found = foundArrows(folder)
  const erased = missing(arrows, found).map((arrow) => `${arrow} is drawn, but no source has it: erase it`)
  const undrawn = missing(found, arrows).map((arrow) => `${arrow} is not drawn: pass the value in instead, or draw it and say why`)
  expect([...erased, ...undrawn]).toEqual([])
})

test.each([...stated.keys()])('below %s, no arrow leads back to where it came from, types aside', (folder) => {
  const arrows = foundArrows(folder, { withTypes: false })
  const ends = [...arrows.keys()].filter((part) => reachable(part, arrows).has(part))
  expect(ends).toEqual([])
})

/** The arrows of one that the other lacks; a part without arrows counts as one. */
function missing(these: Arrows, those: Arrows): string[] {
  return [...these].flatMap(([from, targets]) => {
    const known = those.get(from)
    if (known === undefined) return [`${from} → ${targets.join(', ') || 'nothing'}`]
    return targets.filter((to) => !known.includes(to)).map((to) => `${from} → ${to}`)
  })
}

function reachable(from: string, arrows: Arrows): ReadonlySet<string> {
  const seen = new Set<string>()
  const visit = (part: string): void => {
    for (const next of arrows.get(part) ?? []) {
      if (seen.has(next)) continue
      seen.add(next)
      visit(next)
    }
  }
  visit(from)
  return seen
}
