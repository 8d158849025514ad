import { EventEmitter } from 'node:events'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { findPostgresPackage, prepareBinaries, removeOldBinaries, type PostgresBinaries, type PostgresPackage } from './binaries.ts'
import { findDataOwner, makeReachable, openDataDirectory, prepareCluster, prepareSocketDirectory } from './data-directory.ts'
import { embeddedUrl } from './find-running-postgres.ts'
import { endLeftoverPostmaster } from './postmaster-file.ts'
import { PostmasterStartError, startPostmaster, type Postmaster } from './postmaster.ts'
import { findSystemUser, type SystemUser } from './system-user.ts'

export interface EmbeddedPostgresOptions {
  /**
   * The folder of everything the database stores, created if needed. It takes one server at a time.
   */
  readonly dataDirectory: string
  readonly logger: Logger
  /** The account that PostgreSQL uses when Berth runs as root. Default: found in /etc/passwd. */
  readonly user?: SystemUser
  /** Connections to accept, at least 10. Default: {@link DEFAULT_MAX_CONNECTIONS}. */
  readonly maxConnections?: number
  /** False trades crash safety for speed, for tests only. Default: true. */
  readonly isDurable?: boolean
  /** Where the programs are. Default: the installed package for this platform. */
  readonly package?: PostgresPackage
  /**
   * Where the socket goes when the data directory's path is too long for one. Default: the system's
   * temporary directory.
   */
  readonly temporaryDirectory?: string
  /** Where setpriv of util-linux may be. Default: {@link SETPRIV_PATHS}. */
  readonly setprivPaths?: readonly string[]
}

/** Events of the embedded server while Berth runs. */
export interface EmbeddedPostgresEvents {
  /** The server ended by itself and is being restarted. `how` says how it ended, in a few words. */
  down: [how: string]
  /** The server accepts connections again. */
  up: []
}

/** An embedded PostgreSQL server, kept running until {@link EmbeddedPostgres.stop}. */
export interface EmbeddedPostgres {
  /** The URL of its database, over a socket in a folder closed to other users. */
  readonly url: string
  /** The process ID of the server; undefined while it is being restarted. */
  readonly pid: number | undefined
  readonly events: EventEmitter<EmbeddedPostgresEvents>
  /** Stops the server. Open transactions are rolled back; everything committed is on disk. */
  stop(): Promise<void>
}

const DEFAULT_MAX_CONNECTIONS = 60
const SETPRIV_PATHS = ['/usr/bin/setpriv', '/bin/setpriv']
const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 10_000

/** Transient failures pass within a second; a minute allows for a very busy machine. */
const TRANSIENT_PATIENCE_MS = 60_000

/**
 * Starts PostgreSQL from the installed binaries as a child process with its data below
 * `dataDirectory`, and restarts it whenever it ends by itself. When Berth runs as root, PostgreSQL
 * uses an unprivileged account. With setpriv, PostgreSQL ends with this process, however that ends;
 * otherwise the next start shuts down a server that was left behind.
 *
 * @throws EmbeddedPostgresError when the system has no binaries, the data directory can't be used,
 * or another server uses it.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { logger } = options
  const postgresPackage = options.package ?? (await findPostgresPackage(process.platform, process.arch))
  const dataDirectory = await openDataDirectory(options.dataDirectory)
  const user = options.user ?? (await findSystemUser(process.getuid?.(), await findDataOwner(dataDirectory)))
  if (user !== undefined) await makeReachable(dataDirectory, user, logger)
  const binaries = await prepareBinaries({
    package: postgresPackage,
    dataDirectory,
    user,
    setprivPaths: options.setprivPaths ?? SETPRIV_PATHS,
    logger,
  })
  const isDurable = options.isDurable ?? true
  const cluster = await prepareCluster({ dataDirectory, binaries, user, isDurable, logger })
  const supervisor = new Supervisor({
    cluster,
    binaries,
    user,
    isDurable,
    logger,
    maxConnections: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
    socket: { dataDirectory, temporaryDirectory: options.temporaryDirectory ?? tmpdir() },
  })
  await supervisor.start()
  await removeOldBinaries(dataDirectory, postgresPackage.version)
  return supervisor
}

interface SupervisorOptions {
  readonly cluster: string
  readonly binaries: PostgresBinaries
  readonly user: SystemUser | undefined
  readonly isDurable: boolean
  readonly maxConnections: number
  readonly socket: { readonly dataDirectory: string; readonly temporaryDirectory: string }
  readonly logger: Logger
}

class Supervisor implements EmbeddedPostgres {
  readonly events = new EventEmitter<EmbeddedPostgresEvents>()
  readonly #options: SupervisorOptions
  readonly #stopping = new AbortController()
  #socketDirectory = ''
  #hasTemporarySocket = false
  #postmaster: Postmaster | undefined
  #watching: Promise<void> = Promise.resolve()

  constructor(options: SupervisorOptions) {
    this.#options = options
  }

  get url(): string {
    return embeddedUrl(this.#socketDirectory)
  }

  get pid(): number | undefined {
    return this.#postmaster?.pid
  }

  async start(): Promise<void> {
    const { cluster, socket, user, logger } = this.#options
    const leftover = await endLeftoverPostmaster(cluster, logger)
    if (leftover !== undefined) await this.#removeTemporary(leftover)
    const { path, isTemporary } = await prepareSocketDirectory({ ...socket, user, logger })
    this.#socketDirectory = path
    this.#hasTemporarySocket = isTemporary
    try {
      this.#watching = this.#watch(await this.#launch())
    } catch (error) {
      if (isTemporary) await rm(path, { recursive: true, force: true })
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#postmaster?.stop()
    await this.#watching
    if (this.#hasTemporarySocket) await rm(this.#socketDirectory, { recursive: true, force: true })
  }

  /**
   * Starts the server, and waits for what passes by itself, such as processes of a killed server
   * that haven't ended.
   */
  async #launch(): Promise<Postmaster> {
    const { binaries, cluster, user, isDurable, maxConnections, logger } = this.#options
    const settings = { socketDirectory: this.#socketDirectory, supervisorPid: process.pid, maxConnections, isDurable }
    const deadline = performance.now() + TRANSIENT_PATIENCE_MS
    for (;;) {
      try {
        this.#postmaster = await startPostmaster({ binaries, cluster, settings, user, logger, signal: this.#stopping.signal })
        return this.#postmaster
      } catch (error) {
        const isTransient = error instanceof PostmasterStartError && error.isTransient
        if (!isTransient || performance.now() > deadline || this.#stopping.signal.aborted) throw error
        await endLeftoverPostmaster(cluster, logger)
        await sleep(FIRST_RETRY_MS)
      }
    }
  }

  async #watch(first: Postmaster): Promise<void> {
    let postmaster: Postmaster | undefined = first
    while (postmaster !== undefined) {
      const how = await postmaster.ended
      this.#postmaster = undefined
      if (this.#stopping.signal.aborted) return
      this.#options.logger.error({ how }, 'the database server ended by itself; restarting it')
      this.events.emit('down', how)
      postmaster = await this.#restart()
      if (postmaster === undefined) return
      this.#options.logger.info({ pid: postmaster.pid }, 'the database server is up again')
      this.events.emit('up')
    }
  }

  /** Tries to start with growing pauses until it succeeds; undefined when stopped. */
  async #restart(): Promise<Postmaster | undefined> {
    const { signal } = this.#stopping
    for (let delayMs = FIRST_RETRY_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, MAX_RETRY_MS)) {
      try {
        return await this.#launch()
      } catch (error) {
        if (signal.aborted) return undefined
        this.#options.logger.error({ err: error, delayMs }, "the database server doesn't start; trying again")
        await sleep(delayMs, undefined, { signal }).catch(() => {}) // an abort ends the loop
      }
    }
    return undefined
  }

  /**
   * Removes an earlier start's socket folder if it is one of ours below the temporary directory.
   */
  async #removeTemporary(path: string): Promise<void> {
    const { temporaryDirectory } = this.#options.socket
    if (dirname(path) !== temporaryDirectory || !/^berth-postgres-\w{6}$/.test(basename(path))) return
    await rm(path, { recursive: true, force: true })
  }
}
