/** Returns a percentile of samples by the nearest rank. `share` is from 0 to 1. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN
}

/**
 * Renders a report line with the median and 95th percentile of samples in milliseconds, and whether
 * a target was met.
 */
export function reportLine(what: string, samples: readonly number[], targetP95Ms?: number): string {
  const [p50, p95] = [percentile(samples, 0.5), percentile(samples, 0.95)]
  const target = targetP95Ms === undefined ? '' : `  (target p95 ≤ ${targetP95Ms} ms: ${p95 <= targetP95Ms ? 'met' : 'MISSED'})`
  return `${what.padEnd(58)} p50 ${p50.toFixed(1).padStart(8)} ms  p95 ${p95.toFixed(1).padStart(8)} ms  n=${samples.length}${target}`
}

/** Renders a report line with a single figure, and whether it is at most its target. */
export function figureLine(what: string, { value, unit, target }: { value: number; unit: string; target?: number }): string {
  const verdict = target === undefined ? '' : `  (target ≤ ${target}: ${value <= target ? 'met' : 'MISSED'})`
  return `${what.padEnd(58)} ${value.toFixed(2)} ${unit}${verdict}`
}

/** Runs work repeatedly and returns how long each run took, in milliseconds. */
export async function timeEach(times: number, work: (round: number) => Promise<unknown>): Promise<number[]> {
  const samples: number[] = []
  for (let round = 0; round < times; round++) {
    const startedAt = performance.now()
    await work(round)
    samples.push(performance.now() - startedAt)
  }
  return samples
}

/** Like {@link timeEach}, for several pieces of work that take turns. */
export async function timeInTurns(times: number, works: readonly (() => Promise<unknown>)[]): Promise<number[][]> {
  const samples = works.map((): number[] => [])
  for (let round = 0; round < times; round++)
    for (const [index, work] of works.entries()) samples[index]?.push(...(await timeEach(1, work)))
  return samples
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
