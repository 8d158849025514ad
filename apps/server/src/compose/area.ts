import type { Driver } from '@berth/provisioner'
import type { DERPMap } from '@berth/schema'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Database } from '../database/database.ts'
import type { PubSub } from '../database/pubsub.ts'
import type { SecretBox } from '../secrets/secret-box.ts'
import type { Config } from '../settings/config.ts'

/** What the server is composed from. */
export interface World {
  readonly config: Config
  readonly database: Database
  readonly pubsub: PubSub
  readonly secrets: SecretBox
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  /** The URL at which people and agents reach the server. */
  readonly accessUrl: string
  /** The origin that apps by path have to themselves. Undefined: they have none. */
  readonly appsUrl: string | undefined
  /** The relays that the reference's agents and clients are told about. */
  readonly derpMap: DERPMap
  readonly replicaId: string
  /** Where other replicas reach this one. Undefined: nowhere. */
  readonly relayUrl: string | undefined
  readonly drivers: readonly Driver[]
  /** An existing folder where jobs keep their files. */
  readonly workDirectory: string
}

/**
 * Services that belong together, and how their own work begins and ends. An area uses the areas
 * composed before it and knows nothing of those after it.
 */
export interface Area<Services> {
  readonly services: Services
  /** Begins the work that no request asks for. Everything that the area uses has been started. */
  start?(): void | Promise<void>
  /**
   * Lets go of agents, streams and waiting requests. All areas begin at once; jobs may still be
   * ending.
   */
  release?(): void | Promise<void>
  /** Ends the area's work gracefully. Everything that uses the area has been stopped. */
  stop?(): void | Promise<void>
}
