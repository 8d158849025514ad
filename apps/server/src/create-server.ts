import { randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Driver } from '@berth/provisioner'
import type { Logger } from 'pino'
import { accessUrlWarning, type LookUp } from './settings/access-url-warning.ts'
import { appsUrlOf } from './settings/apps-url.ts'
import { relayUrlOf } from './settings/relay-url.ts'
import { createAppsOrigin } from './app/create-apps-origin.ts'
import { createApp, type App } from './app/create-app.ts'
import { systemClock, type Clock } from './clock.ts'
import { compose, type Services } from './compose/compose.ts'
import { readProgramConfig, type Config } from './settings/config.ts'
import type { ServerSettings } from './settings/program-settings.ts'
import { describeConnection } from './database/connection.ts'
import { openDatabase, type Database } from './database/database.ts'
import { startEmbeddedPostgres, type EmbeddedPostgres } from './database/embedded/start-embedded-postgres.ts'
import { keepAdvisoryLock } from './database/keep-advisory-lock.ts'
import { MigrationError, migrate } from './database/migrate.ts'
import { PubSub } from './database/pubsub.ts'
import { createDrivers } from './compose/drivers.ts'
import { completeDerpMap } from './features/derp/derp-map.ts'
import { replicaLockName } from './features/provisioner-jobs/lease-loop.ts'
import { hideAgentValues } from './secrets/hide-agent-values.ts'
import { openSecrets } from './secrets/open-secrets.ts'
import type { SecretBox } from './secrets/secret-box.ts'
import { createLogger } from './logger.ts'
import { drainListener, type Listener } from './listen/listener.ts'
import { openListeners } from './listen/open-listeners.ts'
import { preflight } from './preflight.ts'
import { version } from './version.ts'
import { machineSources } from './world.ts'

/** What a program may replace. */
export interface ServerOptions {
  /** Default: a logger that writes to standard error from `logLevel` on. */
  readonly logger?: Logger
  /** Default: the clock of the machine. */
  readonly clock?: Clock
  /** Default: `Math.random`, which is good enough for names. */
  readonly random?: () => number
  /** Default: the drivers that the configuration asks for. */
  readonly drivers?: readonly Driver[]
  /** Default: the name resolution of the machine. */
  readonly lookUp?: LookUp
}

/** The options with a logger. */
type ServerWorld = ServerOptions & { readonly logger: Logger }

/** A running server. */
export interface BerthServer {
  /** Where it listens, for example `http://127.0.0.1:3000`; the HTTPS address if TLS is on. */
  readonly url: string
  /** Where it listens for plain HTTP. Undefined: it doesn't. */
  readonly httpUrl: string | undefined
  /** Where people and workspaces reach it. */
  readonly accessUrl: string
  /** The origin that apps by path have to themselves. Undefined: they have none. */
  readonly appsUrl: string | undefined
  /** Which database it uses, without secrets. */
  readonly databaseName: string
  /** Returns whether the first user exists. */
  hasUsers(): Promise<boolean>
  /**
   * Starts and stops the workspaces that are due by `now`. The server does this by itself every
   * `BERTH_AUTOBUILD_POLL_INTERVAL`.
   *
   * @returns The IDs of the builds.
   */
  tickAutobuild(now: Date): Promise<string[]>
  /** Answers the requests that are under way, accepts no more, and ends. */
  stop(): Promise<void>
}

/** What undoes each step of a start, in the order of the steps. */
type UndoSteps = (() => Promise<void>)[]

const CONNECTIONS_TO_WARM = 4
const DRAIN_MS = 3_000

/**
 * Starts a server: database, migrations, HTTP, workers.
 *
 * @param given Settings, of which absent ones have their defaults, or the result of `readConfig`.
 * @throws Error with a sentence that says what is wrong. Nothing is left running then.
 */
export async function createServer(given: ServerSettings | Config = {}, options: ServerOptions = {}): Promise<BerthServer> {
  const config = isConfig(given) ? given : readProgramConfig(given, machineSources())
  const world = { ...options, logger: options.logger ?? createLogger(config) }
  const undo: UndoSteps = []
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    return { ...(await start(config, world, undo)), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function isConfig(given: ServerSettings | Config): given is Config {
  return 'deploymentValues' in given
}

async function start(config: Config, world: ServerWorld, undo: UndoSteps): Promise<Omit<BerthServer, 'stop'>> {
  const { logger, clock = systemClock, random = Math.random, drivers = createDrivers(config) } = world
  const { https, configuredDerpMap } = await preflight(config)
  const { connectionUrl, databaseName, opening, ...storage } = await openStorage(config, logger, undo)
  const replica = await joinReplicas(config, { connectionUrl, logger }, undo)
  await opening
  const { url, httpUrl, listeners, apps } = await openListeners(config, { https, logger, undo })
  const accessUrl = config.accessUrl ?? url
  const appsUrl = appsUrlOf(config, { accessUrl, url, listeningAt: apps?.url })
  if (config.accessUrl !== undefined) void warnAbout(config.accessUrl, world)
  const derpMap = completeDerpMap(configuredDerpMap, config, accessUrl)
  const addresses = { accessUrl, appsUrl, relayUrl: relayUrlOf(config, url) }
  const services = compose({ config, ...storage, ...replica, ...addresses, clock, logger, random, derpMap, drivers })
  const app = createApp({ services, config, clock, logger, version })
  for (const listener of listeners) {
    listener.on('request', app.listener)
    app.upgrades.attach(listener)
  }
  const appsOrigin = createAppsOrigin({ services, config, clock, logger, version })
  apps?.listener.on('request', appsOrigin.listener)
  if (apps !== undefined) appsOrigin.upgrades.attach(apps.listener)
  await services.start()
  const all = apps === undefined ? listeners : [...listeners, apps.listener]
  undo.push(async () => await stopServing({ listeners: all, app, services, drivers }))
  return {
    url,
    httpUrl,
    accessUrl,
    appsUrl,
    databaseName,
    hasUsers: async () => await services.users.hasAny(),
    tickAutobuild: async (now) => await services.autobuild.tick(now),
  }
}

interface Storage {
  readonly connectionUrl: string
  readonly databaseName: string
  readonly database: Database
  readonly pubsub: PubSub
  readonly secrets: SecretBox
  /** Settles once the connections that everybody needs are open. */
  readonly opening: Promise<unknown>
}

async function openStorage(config: Config, logger: Logger, undo: UndoSteps): Promise<Storage> {
  const { connectionUrl, databaseName } = await findDatabase(config, logger, undo)
  await prepareDatabase(config, { connectionUrl, logger })
  const database = await openDatabase({ connectionUrl, logger })
  undo.push(async () => await database.close())
  const secrets = await openSecrets(database.kysely, config)
  await hideAgentValues(database, secrets)
  const warming = database.warm(CONNECTIONS_TO_WARM)
  const pubsub = new PubSub({ connectionUrl, logger })
  undo.push(async () => await pubsub.close())
  return { connectionUrl, databaseName, database, pubsub, secrets, opening: Promise.all([warming, pubsub.ready]) }
}

/**
 * Holds the lock that tells other replicas that this one is alive, and creates its work directory.
 */
async function joinReplicas(
  { dataDirectory }: Config,
  connection: { readonly connectionUrl: string; readonly logger: Logger },
  undo: UndoSteps,
): Promise<{ replicaId: string; workDirectory: string }> {
  const replicaId = randomUUID()
  const liveness = await keepAdvisoryLock({ ...connection, name: replicaLockName(replicaId) })
  undo.push(liveness.release)
  const workDirectory = join(dataDirectory, 'work', replicaId)
  await mkdir(workDirectory, { recursive: true, mode: 0o700 })
  undo.push(async () => await rm(workDirectory, { recursive: true, force: true }))
  return { replicaId, workDirectory }
}

/** Runs beside the start, because name resolution may be slow. */
async function warnAbout(accessUrl: string, { logger, lookUp = addressesOf }: ServerWorld): Promise<void> {
  const warning = await accessUrlWarning(accessUrl, lookUp)
  if (warning !== undefined) logger.warn(warning)
}

async function addressesOf(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address)
}

async function findDatabase(config: Config, logger: Logger, undo: UndoSteps): Promise<{ connectionUrl: string; databaseName: string }> {
  if (config.pgConnectionUrl !== undefined)
    return { connectionUrl: config.pgConnectionUrl, databaseName: 'PostgreSQL at BERTH_PG_CONNECTION_URL' }
  const embedded: EmbeddedPostgres = await startEmbeddedPostgres({ dataDirectory: config.dataDirectory, logger })
  undo.push(async () => await embedded.stop())
  return { connectionUrl: embedded.url, databaseName: `embedded PostgreSQL in ${config.dataDirectory}` }
}

/**
 * Runs the migrations, which use the database first. An error about the connection names the
 * setting that the URL comes from.
 */
async function prepareDatabase({ pgConnectionUrl }: Config, options: { connectionUrl: string; logger: Logger }): Promise<void> {
  try {
    await migrate(options)
  } catch (error) {
    if (pgConnectionUrl === undefined || error instanceof MigrationError || !(error instanceof Error)) throw error
    // If a host has several addresses, the error for all of them has an empty message.
    const { message, code } = error as NodeJS.ErrnoException
    const reason = (message === '' ? (code ?? 'it cannot be reached') : message).replace(/\s+/g, ' ')
    throw new Error(`BERTH_PG_CONNECTION_URL cannot be used: ${describeConnection(pgConnectionUrl)}: ${reason}`, { cause: error })
  }
}

/** Stops without losing anything: first requests, then services, then sockets, then drivers. */
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
