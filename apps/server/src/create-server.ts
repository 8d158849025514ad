import { randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Driver } from '@berth/provisioner'
import type { Logger } from 'pino'
import { accessUrlWarning, type LookUp } from './settings/access-url-warning.ts'
import { createApp, type App } from './app/create-app.ts'
import { systemClock, type Clock } from './clock.ts'
import { compose, type Services } from './compose/compose.ts'
import type { Config } from './settings/config.ts'
import { tryHoldAdvisoryLock, type AdvisoryLock } from './database/advisory-lock.ts'
import { describeConnection } from './database/connection.ts'
import { openDatabase } from './database/database.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres } from './database/embedded/start-embedded-postgres.ts'
import { MigrationError, migrate } from './database/migrate.ts'
import { PubSub } from './database/pubsub.ts'
import { createDrivers } from './compose/drivers.ts'
import { readDerpMap } from './features/derp/derp-map.ts'
import { replicaLockName } from './features/provisioner-jobs/job-lease.ts'
import { checkStarterTemplates } from './features/templates/starter-templates.ts'
import { openSecrets } from './secrets/open-secrets.ts'
import { drainListener, type Listener } from './listen/listener.ts'
import { openListeners } from './listen/open-listeners.ts'
import { createTlsServer } from './listen/tls-listener.ts'
import { version } from './version.ts'

/** What a server may be given instead of the real thing. */
export interface ServerWorld {
  readonly logger: Logger
  /** Default: the clock of the machine. */
  readonly clock?: Clock
  /** Default: cryptographically strong enough for names, `Math.random`. */
  readonly random?: () => number
  /** Default: those of the configuration. */
  readonly drivers?: readonly Driver[]
  /** Default: that of the machine. */
  readonly lookUp?: LookUp
}

/** A server that is up. */
export interface BerthServer {
  /** Where it listens, for example `http://127.0.0.1:3000`; over HTTPS where that is on. */
  readonly url: string
  /** Where it listens over plain HTTP; undefined: nowhere. */
  readonly httpUrl: string | undefined
  /** Where people and agents reach it. */
  readonly accessUrl: string
  /** Which database it uses, without secrets. */
  readonly databaseName: string
  /** Whether somebody has set it up already. */
  hasUsers(): Promise<boolean>
  /** Starts and stops what is due by `now`, as it does by itself every `BERTH_AUTOBUILD_POLL_INTERVAL`. Returns the IDs of the builds. */
  tickAutobuild(now: Date): Promise<string[]>
  /** Ends it gracefully: answers what was asked, takes no more, gives up nothing that was acknowledged. */
  stop(): Promise<void>
}

const CONNECTIONS_TO_WARM = 4
const DRAIN_MS = 3_000
const FETCH_MS = 10_000

/**
 * Starts a server: database, migrations, HTTP, workers. Rejects with a sentence that says what is wrong; nothing is left running then.
 */
export async function createServer(config: Config, world: ServerWorld): Promise<BerthServer> {
  const started: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const undo of started.splice(0).toReversed()) await undo()
  }
  try {
    return await start(config, world, started, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function start(
  config: Config,
  world: ServerWorld,
  started: (() => Promise<void>)[],
  stop: () => Promise<void>,
): Promise<BerthServer> {
  const { logger, clock = systemClock, random = Math.random } = world
  await checkStarterTemplates(config.autoImportTemplates)
  const https = config.tls === undefined ? undefined : await createTlsServer(config.tls)
  const { connectionUrl, databaseName } = await findDatabase(config, logger, started)
  await prepareDatabase(config, { connectionUrl, logger })
  const database = await openDatabase({ connectionUrl, logger })
  started.push(async () => await database.close())
  const secrets = await openSecrets(database.kysely, config)
  const warming = database.warm(CONNECTIONS_TO_WARM)
  const pubsub = new PubSub({ connectionUrl, logger })
  started.push(async () => await pubsub.close())
  const replicaId = randomUUID()
  const liveness = await holdLiveness({ connectionUrl, replicaId, logger })
  started.push(liveness.release)
  await Promise.all([warming, pubsub.ready])
  const workDirectory = await prepareWorkDirectory(config, replicaId)
  started.push(async () => await rm(workDirectory, { recursive: true, force: true }))

  const { url, httpUrl, listeners } = await openListeners(config, { https, started })
  const accessUrl = config.accessUrl ?? url
  if (config.accessUrl !== undefined) void warnOf(config.accessUrl, world)
  const derpMap = await readDerpMap(config, accessUrl, { fetchText, readText: async (path) => await readFile(path, 'utf8') })
  const drivers = world.drivers ?? createDrivers(config)
  const services = compose({
    config,
    database,
    pubsub,
    secrets,
    clock,
    logger,
    random,
    accessUrl,
    derpMap,
    replicaId,
    drivers,
    workDirectory,
  })
  const app = createApp({ services, config, clock, logger, version })
  for (const listener of listeners) {
    listener.on('request', app.listener)
    app.upgrades.attach(listener)
  }
  await services.start()
  started.push(async () => await stopServing({ listeners, app, services, drivers }))
  return {
    url,
    httpUrl,
    accessUrl,
    databaseName,
    hasUsers: async () => await services.users.hasAny(),
    tickAutobuild: async (now) => await services.autobuild.tick(now),
    stop,
  }
}

/** Names are looked up beside the start: they may take their time, and fail. */
async function warnOf(accessUrl: string, { logger, lookUp = addressesOf }: ServerWorld): Promise<void> {
  const warning = await accessUrlWarning(accessUrl, lookUp)
  if (warning !== undefined) logger.warn(warning)
}

async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

async function findDatabase(
  config: Config,
  logger: Logger,
  started: (() => Promise<void>)[],
): Promise<{ connectionUrl: string; databaseName: string }> {
  if (config.pgConnectionUrl !== undefined)
    return { connectionUrl: config.pgConnectionUrl, databaseName: 'PostgreSQL at BERTH_PG_CONNECTION_URL' }
  const embedded: EmbeddedPostgres = await startEmbeddedPostgres({ dataDirectory: config.dataDirectory, logger })
  started.push(async () => await embedded.stop())
  return { connectionUrl: embedded.url, databaseName: `embedded PostgreSQL in ${config.dataDirectory}` }
}

/** Migrations are the first to use a database: what keeps them from it is told with the setting that named it. */
async function prepareDatabase({ pgConnectionUrl }: Config, options: { connectionUrl: string; logger: Logger }): Promise<void> {
  try {
    await migrate(options)
  } catch (error) {
    if (pgConnectionUrl === undefined || error instanceof MigrationError || !(error instanceof Error)) throw error
    // Where a host has several addresses, the message of the error that sums up is empty.
    const { message, code } = error as NodeJS.ErrnoException
    const reason = (message === '' ? (code ?? 'it cannot be reached') : message).replace(/\s+/g, ' ')
    throw new Error(`BERTH_PG_CONNECTION_URL cannot be used: ${describeConnection(pgConnectionUrl)}: ${reason}`, { cause: error })
  }
}

/** Holds the lock that says "this server lives", and takes it again when the connection under it breaks. */
async function holdLiveness(options: {
  connectionUrl: string
  replicaId: string
  logger: Logger
}): Promise<{ release: () => Promise<void> }> {
  const { connectionUrl, replicaId, logger } = options
  const name = replicaLockName(replicaId)
  let lock: AdvisoryLock | undefined = await tryHoldAdvisoryLock({ connectionUrl, name, logger })
  const releasing = new AbortController()
  const keep = async (): Promise<void> => {
    for (let delayMs = 100; ; delayMs = Math.min(delayMs * 2, 2_000)) {
      await lock?.lost
      if (releasing.signal.aborted) return
      try {
        lock = await tryHoldAdvisoryLock({ connectionUrl, name, logger })
      } catch (error) {
        logger.debug({ err: error }, 'the liveness lock could not be taken again')
        lock = undefined
      }
      if (lock === undefined) await new Promise((resolve) => setTimeout(resolve, delayMs).unref())
      else delayMs = 100
    }
  }
  void keep()
  return {
    async release() {
      releasing.abort()
      await lock?.release()
    },
  }
}

async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_MS) })
  if (!response.ok) throw new Error(`the answer is ${response.status}`)
  return await response.text()
}

async function prepareWorkDirectory(config: Config, replicaId: string): Promise<string> {
  const path = join(config.dataDirectory, 'work', replicaId)
  await mkdir(path, { recursive: true, mode: 0o700 })
  return path
}

/** Stops in the order in which nothing is lost: no new requests, streams ended, jobs ended, sockets closed. */
async function stopServing(serving: {
  listeners: readonly Listener[]
  app: App
  services: Services
  drivers: readonly Driver[]
}): Promise<void> {
  const { listeners, app, services, drivers } = serving
  const drained = Promise.all(listeners.map(async (listener) => await drainListener(listener, DRAIN_MS)))
  await services.stop()
  app.upgrades.closeAll()
  const deadline = setTimeout(() => app.upgrades.terminateAll(), DRAIN_MS)
  await drained
  clearTimeout(deadline)
  for (const driver of drivers) await driver.close?.()
}
