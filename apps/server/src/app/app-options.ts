import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Services } from '../compose/compose.ts'
import type { Config } from '../settings/config.ts'

/** What the HTTP side of the server needs. */
export interface AppOptions {
  readonly services: Services
  readonly config: Config
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
}
