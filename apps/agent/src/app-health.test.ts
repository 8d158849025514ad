import { expect, test } from 'vitest'
import { HealthVerdict } from './app-health.ts'

test.each([
  ['nothing is known before the first check', 3, '', undefined],
  ['the first success is enough', 3, '+', 'healthy'],
  ['too few failures say nothing yet', 3, '--', undefined],
  ['enough failures in a row are a verdict', 3, '---', 'unhealthy'],
  ['a success between them starts the count anew', 3, '--+--', 'healthy'],
  ['one success heals', 2, '--+', 'healthy'],
  ['a threshold of zero counts as one', 0, '-', 'unhealthy'],
])('%s', (_title, threshold, checks, expected) => {
  const verdict = new HealthVerdict(threshold)
  for (const check of checks) verdict.record(check === '+')
  expect(verdict.health).toBe(expected)
})
