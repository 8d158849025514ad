import type { Citation } from './citations.ts'
import type { Requirement } from './row.ts'

/** The rules of one area, grouped by whether a test proves them. */
export interface AreaCoverage {
  readonly area: string
  readonly proven: readonly Requirement[]
  /** Promised now, but cited by no test. */
  readonly unproven: readonly Requirement[]
  /** Cited by no test, and due with a future feature. */
  readonly later: readonly Requirement[]
  readonly gaps: readonly Requirement[]
}

/**
 * Groups rules by area, which is the first part of the section, and by what the citations prove.
 */
export function coverage(requirements: readonly Requirement[], citations: readonly Citation[]): AreaCoverage[] {
  const cited = new Set(citations.map(({ id }) => id))
  const areas = new Set(requirements.map(areaOf))
  return [...areas].map((area) => {
    const rows = requirements.filter((row) => areaOf(row) === area)
    const gaps = rows.filter((row) => row.knownGap !== undefined)
    const open = rows.filter((row) => row.knownGap === undefined && !cited.has(row.id))
    return {
      area,
      proven: rows.filter((row) => row.knownGap === undefined && cited.has(row.id)),
      unproven: open.filter((row) => row.due === undefined),
      later: open.filter((row) => row.due !== undefined),
      gaps,
    }
  })
}

/** Renders the report of `pnpm requirements`: the rules of each area, then the totals. */
export function renderCoverage(areas: readonly AreaCoverage[]): string {
  const count = (pick: (area: AreaCoverage) => readonly Requirement[]) => areas.reduce((sum, area) => sum + pick(area).length, 0)
  const lines = areas.flatMap((area) => [
    `${area.area}: ${area.proven.length} proven, ${area.unproven.length} unproven, ${area.later.length} later, ${area.gaps.length} known gaps`,
    ...area.proven.map((row) => `  ✓ ${row.id}`),
    ...area.unproven.map((row) => `  ✗ ${row.id} — ${row.text} (${row.section})`),
    ...area.later.map((row) => `  · ${row.id} (with ${row.due})`),
    ...area.gaps.map((row) => `  ! ${row.id} — ${row.knownGap}`),
    '',
  ])
  const totals = [
    `${count((area) => area.proven)} proven`,
    `${count((area) => area.unproven)} unproven`,
    `${count((area) => area.later)} later`,
    `${count((area) => area.gaps)} known gaps`,
  ]
  return [...lines, totals.join(', ')].join('\n')
}

function areaOf({ section }: Requirement): string {
  return section.split(/ \u00A7|: /)[0] ?? section
}
