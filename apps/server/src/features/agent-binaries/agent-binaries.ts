import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, readFile, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'

/** The suffix of a file's compressed copy beside it. */
const GZIPPED = '.gz'
/** The prefix of folders with executables that a server built. */
const BUILT_PREFIX = '.made-'
const BUILD_TIMEOUT_MS = 120_000
/** How long executables of an earlier agent or Node are kept. */
const BUILT_RETENTION_MS = 24 * 3_600_000

export interface AgentBinariesOptions {
  /** Contains the files of administrators and those built here. It may not exist yet. */
  readonly directory: string
  /** The built agent, which can turn itself into an executable. */
  readonly agentDirectory: string
  readonly nodePath: string
  readonly platform: string
  /** As the wire names it. */
  readonly architecture: string
  readonly clock: Clock
  readonly logger: Logger
}

/** An executable, with its compressed copy if there is one. */
export interface AgentBinary {
  readonly path: string
  readonly gzippedPath: string | undefined
}

/**
 * The agent as executables, for workspaces to download: those that an administrator put into the
 * folder, and one for machines like this one, which is built on first request.
 */
export class AgentBinaries {
  readonly #options: AgentBinariesOptions
  readonly #stopping = new AbortController()
  /** The file that can be built here; undefined when none can. */
  readonly #ownName: string | undefined
  #built: Promise<string | undefined> | undefined
  #hasFailed = false

  constructor(options: AgentBinariesOptions) {
    this.#options = options
    // On other systems, executables need signing or aren't started from a download.
    this.#ownName = options.platform === 'linux' ? `coder-linux-${options.architecture}` : undefined
  }

  /** Returns the names of all files, sorted. */
  async list(): Promise<string[]> {
    const names = new Set(await this.#given())
    if (this.#ownName !== undefined && !this.#hasFailed && (await exists(join(this.#options.agentDirectory, 'make-binary.js'))))
      names.add(this.#ownName)
    return [...names].toSorted()
  }

  /** Returns the file with a name; undefined when there is none. */
  async find(name: string): Promise<AgentBinary | undefined> {
    const path = (await this.#given()).includes(name) ? join(this.#options.directory, name) : await this.#own(name)
    if (path === undefined) return undefined
    const gzippedPath = `${path}${GZIPPED}`
    return { path, gzippedPath: (await exists(gzippedPath)) ? gzippedPath : undefined }
  }

  async #own(name: string): Promise<string | undefined> {
    if (name !== this.#ownName) return undefined
    this.#built ??= this.#build(name)
    return await this.#built
  }

  /** Cancels a build in progress. */
  stop(): void {
    this.#stopping.abort()
  }

  async #given(): Promise<string[]> {
    const entries = await readdir(this.#options.directory, { withFileTypes: true }).catch(() => [])
    return entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.') && !entry.name.endsWith(GZIPPED)).map(({ name }) => name)
  }

  /**
   * Builds the executable, once per server process since anyone may ask for it. Reuses what an
   * earlier process built from the same agent and Node.
   */
  async #build(name: string): Promise<string | undefined> {
    const { directory, agentDirectory, nodePath, clock, logger } = this.#options
    try {
      const program = await readFile(join(agentDirectory, 'binary.cjs'))
      const key = createHash('sha256').update(program).update(process.version).digest('hex').slice(0, 16)
      const folder = join(directory, `${BUILT_PREFIX}${key}`)
      const path = join(folder, name)
      if (await exists(path)) return path
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const before = clock.now().getTime() - BUILT_RETENTION_MS
      await removeOld(directory, { prefix: BUILT_PREFIX, except: folder, before })
      await removeOld(folder, { prefix: '', except: undefined, before })
      const { signal } = this.#stopping
      await promisify(execFile)(nodePath, [join(agentDirectory, 'make-binary.js'), path], { env: {}, signal, timeout: BUILD_TIMEOUT_MS })
      return path
    } catch (error) {
      this.#hasFailed = true
      if (!this.#stopping.signal.aborted)
        logger.warn(
          { err: error },
          `the agent executable ${name} could not be built, so workspaces that download it cannot start. Put a file of that name into ${directory}`,
        )
      return undefined
    }
  }
}

/**
 * Deletes what earlier servers built or left unfinished. Servers may share the folder, so nothing
 * recent is touched.
 */
async function removeOld(
  directory: string,
  { prefix, except, before }: { readonly prefix: string; readonly except: string | undefined; readonly before: number },
): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(prefix))
  for (const path of names.map((name) => join(directory, name))) {
    const status = await stat(path).catch(() => undefined)
    if (path !== except && status !== undefined && status.mtimeMs < before) await rm(path, { recursive: true, force: true })
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
