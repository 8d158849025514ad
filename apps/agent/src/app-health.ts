import { reasonOf, type Logger } from './logger.ts'
import type { AgentApp, CheckedHealth } from './protocol.ts'

/**
 * Judges one app by its checks: unhealthy after `threshold` failures in a row, healthy again with
 * the first success.
 */
export class HealthVerdict {
  readonly #threshold: number
  #failures = 0
  #health: CheckedHealth | undefined

  constructor(threshold: number) {
    this.#threshold = Math.max(1, threshold)
  }

  /** The latest verdict; undefined before the first one. */
  get health(): CheckedHealth | undefined {
    return this.#health
  }

  record(succeeded: boolean): void {
    this.#failures = succeeded ? 0 : this.#failures + 1
    if (succeeded) this.#health = 'healthy'
    else if (this.#failures >= this.#threshold) this.#health = 'unhealthy'
  }
}

interface CheckedApp {
  app: AgentApp
  verdict: HealthVerdict
  timer: NodeJS.Timeout
}

/** Checks the workspace's apps and reports changes of their health to the server. */
export class AppHealthChecks {
  readonly #report: (healths: Record<string, CheckedHealth>) => Promise<void>
  readonly #logger: Logger
  readonly #apps = new Map<string, CheckedApp>()
  readonly #reported = new Map<string, string>()
  #reporting = false

  constructor(report: (healths: Record<string, CheckedHealth>) => Promise<void>, logger: Logger) {
    this.#report = report
    this.#logger = logger
  }

  /** Takes the apps of new metadata. Checks of an unchanged app continue. */
  watch(apps: readonly AgentApp[]): void {
    const wanted = new Map(apps.filter((app) => app.healthcheck.url !== '').map((app) => [app.id, app]))
    for (const [id, checked] of this.#apps) {
      const same = JSON.stringify(wanted.get(id)?.healthcheck) === JSON.stringify(checked.app.healthcheck)
      if (same) continue
      clearInterval(checked.timer)
      this.#apps.delete(id)
    }
    for (const [id, app] of wanted) {
      this.#reported.set(id, app.health)
      if (!this.#apps.has(id)) this.#start(app)
    }
  }

  stop(): void {
    for (const { timer } of this.#apps.values()) clearInterval(timer)
    this.#apps.clear()
  }

  #start(app: AgentApp): void {
    const verdict = new HealthVerdict(app.healthcheck.threshold)
    const intervalMs = Math.max(1, app.healthcheck.interval) * 1_000
    let checking = false
    const check = async (): Promise<void> => {
      if (checking) return
      checking = true
      verdict.record(await succeeds(app.healthcheck.url, intervalMs))
      checking = false
      await this.#reportChanges()
    }
    this.#apps.set(app.id, { app, verdict, timer: setInterval(() => void check(), intervalMs) })
    void check()
  }

  /**
   * Reports changed health. A failed report is repeated with the next check, as its health still
   * differs.
   */
  async #reportChanges(): Promise<void> {
    if (this.#reporting) return
    const changes: Record<string, CheckedHealth> = {}
    for (const [id, { verdict }] of this.#apps) {
      if (verdict.health !== undefined && verdict.health !== this.#reported.get(id)) changes[id] = verdict.health
    }
    if (Object.keys(changes).length === 0) return
    this.#reporting = true
    try {
      await this.#report(changes)
      for (const [id, health] of Object.entries(changes)) this.#reported.set(id, health)
    } catch (error) {
      this.#logger.warn('The health of the apps could not be reported', { reason: reasonOf(error) })
    } finally {
      this.#reporting = false
    }
  }
}

/** Any answer other than a server error counts as success: an app that asks for a login works. */
async function succeeds(url: string, timeoutMs: number): Promise<boolean> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    await response.body?.cancel()
    return response.status < 500
  } catch {
    return false
  }
}
