import { reasonOf, type Logger } from './logger.ts'
import type { AgentApp, AppHealth } from './protocol.ts'

/** The verdict over one app, check by check: down after `threshold` failures in a row, up again with the first success. */
export class HealthVerdict {
  readonly #threshold: number
  #failures = 0
  #health: AppHealth | undefined

  constructor(threshold: number) {
    this.#threshold = Math.max(1, threshold)
  }

  /** What is known by now; undefined before the first verdict. */
  get health(): AppHealth | undefined {
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

/** Checks the apps of the workspace and tells the server what changed. */
export class AppHealthChecks {
  readonly #report: (healths: Record<string, AppHealth>) => Promise<void>
  readonly #logger: Logger
  readonly #apps = new Map<string, CheckedApp>()
  readonly #reported = new Map<string, string>()
  #reporting = false

  constructor(report: (healths: Record<string, AppHealth>) => Promise<void>, logger: Logger) {
    this.#report = report
    this.#logger = logger
  }

  /** Takes the apps of new metadata; checks of an app that did not change go on as they are. */
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

  /** What could not be reported is tried again with the next check, for it still differs from what was. */
  async #reportChanges(): Promise<void> {
    if (this.#reporting) return
    const changes: Record<string, AppHealth> = {}
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

/** Any answer but a server error will do: an app that asks for a login is alive. */
async function succeeds(url: string, timeoutMs: number): Promise<boolean> {
  try {
    const response = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(timeoutMs) })
    await response.body?.cancel()
    return response.status < 500
  } catch {
    return false
  }
}
