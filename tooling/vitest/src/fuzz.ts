/** How many times more generated inputs this run tries than a run on a change. */
export const fuzzFactor = Number(process.env['BERTH_FUZZ'] ?? 1)

/** Returns how many inputs this run tries a property with, given the number for a change. */
export function runs(onChange: number): number {
  return Math.max(1, Math.round(onChange * fuzzFactor))
}
