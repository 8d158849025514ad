/** How many times as many generated inputs a run tries as one on a change does. */
export const fuzzFactor = Number(process.env['BERTH_FUZZ'] ?? 1)

/** Returns the number of inputs that a property is tried with, given how many are enough on a change. */
export function runs(onChange: number): number {
  return Math.max(1, Math.round(onChange * fuzzFactor))
}
