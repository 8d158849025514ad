import { verifies } from '@berth/requirements'
import { expect, test } from 'vitest'
import { COSTLY_WORK } from './costly-inputs.ts'
import { longestTurn } from './longest-turn.ts'

/**
 * Five times what `pnpm bench turns` promises: enough for a slow machine, and a small part of what
 * work takes that grows faster than its input.
 */
const MAX_TURN_MS = 250

test.each(COSTLY_WORK)('%s holds up no other work', async (_, work) => {
  verifies('berth:bounded-turns')
  expect(await longestTurn(work)).toBeLessThan(MAX_TURN_MS)
})
