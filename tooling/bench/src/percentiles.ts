/** The value below which a share of the samples lies, by the nearest rank. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN
}

/** One line of the report: what was measured, its median and 95th percentile in milliseconds, and the target where there is one. */
export function reportLine(what: string, samples: readonly number[], targetP95Ms?: number): string {
  const [p50, p95] = [percentile(samples, 0.5), percentile(samples, 0.95)]
  const target = targetP95Ms === undefined ? '' : `  (target p95 ≤ ${targetP95Ms} ms: ${p95 <= targetP95Ms ? 'met' : 'MISSED'})`
  return `${what.padEnd(58)} p50 ${p50.toFixed(1).padStart(8)} ms  p95 ${p95.toFixed(1).padStart(8)} ms  n=${samples.length}${target}`
}
