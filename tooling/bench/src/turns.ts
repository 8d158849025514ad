import { COSTLY_WORK } from '@berth/server/testing/costly-inputs'
import { longestTurn } from '@berth/server/testing/longest-turn'
import { figureLine, print } from './percentiles.ts'

/** Measures how long the costliest inputs that anybody may send hold up all other work. */
export async function turns(): Promise<void> {
  for (const [what, work] of COSTLY_WORK) print(figureLine(what, { value: await longestTurn(work), unit: 'ms', target: 50 }))
}
