import { reasonOf, type Logger } from './logger.ts'
import type { ServerClient } from './server-client.ts'
import { sleep } from './sleep.ts'
import type { TrafficStats } from './stats.ts'

/** The first report follows the start after this long. */
const firstReportMs = 30_000
/** An interval that the server asks for is ignored when it is shorter. */
const shortestIntervalMs = 100

interface ReportingOptions {
  client: ServerClient
  stats: TrafficStats
  logger: Logger
  signal: AbortSignal
}

/**
 * Reports the workspace's traffic at the interval the server asks for. Resolves once `signal` is
 * aborted.
 */
export async function reportStats({ client, stats, logger, signal }: ReportingOptions): Promise<void> {
  let pauseMs = firstReportMs
  for (;;) {
    await sleep(pauseMs, signal)
    if (signal.aborted) return
    try {
      const nextMs = await client.reportStats(stats.take())
      if (nextMs >= shortestIntervalMs) pauseMs = nextMs
    } catch (error) {
      logger.warn('The traffic of the workspace could not be reported', { reason: reasonOf(error) })
    }
  }
}
