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

/** How to start the embedded database. */
export interface EmbeddedPostgresOptions {
  /** Folder of everything the database keeps; created if needed. One server at a time. */
  readonly dataDirectory: string
  readonly logger: Logger
  /** Account PostgreSQL runs under when Berth runs as root; found in /etc/passwd unless given. */
  readonly user?: SystemUser
  /** Connections it accepts, from 10. Default 60. */
  readonly maxConnections?: number
  /** False gives up crash safety for speed: for tests only. Default true. */
  readonly isDurable?: boolean
  /** Where the programs are; the installed package for this platform unless given. */
  readonly package?: PostgresPackage
  /** Where the socket goes when the path of the data directory is too long for one. Default: the system's temporary directory. */
  readonly temporaryDirectory?: string
  /** Where util-linux's setpriv may be. Default /usr/bin and /bin. */
  readonly setprivPaths?: readonly string[]
}

/** What happens to the embedded server while Berth runs. */
export interface EmbeddedPostgresEvents {
  /** It ended without being asked to, and is being started again; how it ended in a few words. */
  down: [how: string]
  /** It accepts connections again. */
  up: []
}

/** The embedded database server: a PostgreSQL of our own, kept running until {@link EmbeddedPostgres.stop}. */
export interface EmbeddedPostgres {
  /** URL of its database, over a socket in a folder closed to other users. */
  readonly url: string
  /** Process id of the server at this moment; undefined while it is being started again. */
  readonly pid: number | undefined
  readonly events: EventEmitter<EmbeddedPostgresEvents>
  /** Ends the server: open transactions are rolled back, everything committed is on disk. */
  stop(): Promise<void>
}

const DEFAULT_MAX_CONNECTIONS = 60
const SETPRIV_PATHS = ['/usr/bin/setpriv', '/bin/setpriv']
const FIRST_RETRY_MS = 50
const MAX_RETRY_MS = 10_000

/** Transient refusals pass within a second; a minute covers a machine that is very busy. */
const TRANSIENT_PATIENCE_MS = 60_000

/**
 * Starts PostgreSQL from the installed binaries as a child process, with its data below `dataDirectory`, and starts it again whenever it ends
 * by itself. As root it runs under an unprivileged account. Where the system has setpriv it ends with this process, however that ends; a
 * server that was left behind all the same is shut down by the next start.
 *
 * @throws EmbeddedPostgresError, whose message says what is wrong and what to do: no binaries for this system, a data directory that can't be
 * used, or another server that uses it.
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

  /** One start that waits for what passes by itself, such as processes of a killed server that have not ended yet. */
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
      this.#options.logger.error({ how }, 'the database server ended by itself; starting it again')
      this.events.emit('down', how)
      postmaster = await this.#restart()
      if (postmaster === undefined) return
      this.#options.logger.info({ pid: postmaster.pid }, 'the database server is up again')
      this.events.emit('up')
    }
  }

  /** Starts until it succeeds, with growing pauses; undefined when stopped meanwhile. */
  async #restart(): Promise<Postmaster | undefined> {
    const { signal } = this.#stopping
    for (let delayMs = FIRST_RETRY_MS; !signal.aborted; delayMs = Math.min(delayMs * 2, MAX_RETRY_MS)) {
      try {
        return await this.#launch()
      } catch (error) {
        if (signal.aborted) return undefined
        this.#options.logger.error({ err: error, delayMs }, 'the database server does not start; trying again')
        await sleep(delayMs, undefined, { signal }).catch(() => {}) // an abort ends the loop
      }
    }
    return undefined
  }

  /** Removes the socket folder of an earlier start if it was one of ours below the temporary directory, and nothing else. */
  async #removeTemporary(path: string): Promise<void> {
    const { temporaryDirectory } = this.#options.socket
    if (dirname(path) !== temporaryDirectory || !/^berth-postgres-\w{6}$/.test(basename(path))) return
    await rm(path, { recursive: true, force: true })
  }
}
