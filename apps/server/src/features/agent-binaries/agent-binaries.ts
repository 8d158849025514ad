import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { access, mkdir, readFile, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Logger } from 'pino'
import type { Clock } from '../../clock.ts'

/** Beside a file, the same one compressed. */
const GZIPPED = '.gz'
const MADE_PREFIX = '.made-'
const MAKING_MS = 120_000
const OLD_MS = 24 * 3_600_000

export interface AgentBinariesOptions {
  /** Holds what administrators put there, and what is made here. Need not exist yet. */
  readonly directory: string
  /** The built agent, which knows how to make an executable of itself. */
  readonly agentDirectory: string
  readonly nodePath: string
  readonly platform: string
  /** As the wire names it. */
  readonly architecture: string
  readonly clock: Clock
  readonly logger: Logger
}

/** A file, and the same compressed where there is one. */
export interface AgentBinary {
  readonly path: string
  readonly gzippedPath: string | undefined
}

/**
 * The agent as executables, for workspaces to fetch: what an administrator put into the folder, and the one for machines like this one,
 * which is made when somebody first asks for it.
 */
export class AgentBinaries {
  readonly #options: AgentBinariesOptions
  readonly #stopping = new AbortController()
  /** Name of the file that can be made here; undefined: none. */
  readonly #ownName: string | undefined
  #made: Promise<string | undefined> | undefined
  #hasFailed = false

  constructor(options: AgentBinariesOptions) {
    this.#options = options
    // Elsewhere executables are signed, or started by other means than a download.
    this.#ownName = options.platform === 'linux' ? `coder-linux-${options.architecture}` : undefined
  }

  /** Names of all there is, in order. */
  async list(): Promise<string[]> {
    const names = new Set(await this.#given())
    if (this.#ownName !== undefined && !this.#hasFailed && (await exists(join(this.#options.agentDirectory, 'make-binary.js'))))
      names.add(this.#ownName)
    return [...names].toSorted()
  }

  /** Undefined where there is none of that name. */
  async find(name: string): Promise<AgentBinary | undefined> {
    const path = (await this.#given()).includes(name) ? join(this.#options.directory, name) : await this.#own(name)
    if (path === undefined) return undefined
    const gzippedPath = `${path}${GZIPPED}`
    return { path, gzippedPath: (await exists(gzippedPath)) ? gzippedPath : undefined }
  }

  async #own(name: string): Promise<string | undefined> {
    if (name !== this.#ownName) return undefined
    this.#made ??= this.#make(name)
    return await this.#made
  }

  /** Gives up what is being made. */
  stop(): void {
    this.#stopping.abort()
  }

  async #given(): Promise<string[]> {
    const entries = await readdir(this.#options.directory, { withFileTypes: true }).catch(() => [])
    return entries.filter((entry) => entry.isFile() && !entry.name.startsWith('.') && !entry.name.endsWith(GZIPPED)).map(({ name }) => name)
  }

  /** Once in the life of a server, as everyone may ask. What an earlier server made of the same agent and Node is used again. */
  async #make(name: string): Promise<string | undefined> {
    const { directory, agentDirectory, nodePath, clock, logger } = this.#options
    try {
      const program = await readFile(join(agentDirectory, 'binary.cjs'))
      const key = createHash('sha256').update(program).update(process.version).digest('hex').slice(0, 16)
      const folder = join(directory, `${MADE_PREFIX}${key}`)
      const path = join(folder, name)
      if (await exists(path)) return path
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const before = clock.now().getTime() - OLD_MS
      await removeOld(directory, { prefix: MADE_PREFIX, except: folder, before })
      await removeOld(folder, { prefix: '', except: undefined, before })
      const { signal } = this.#stopping
      await promisify(execFile)(nodePath, [join(agentDirectory, 'make-binary.js'), path], { env: {}, signal, timeout: MAKING_MS })
      return path
    } catch (error) {
      this.#hasFailed = true
      if (!this.#stopping.signal.aborted)
        logger.warn(
          { err: error },
          `the agent for ${name} could not be made; workspaces that fetch it will not start. Put a file of that name into ${directory}`,
        )
      return undefined
    }
  }
}

/** What earlier servers made or left half made. Servers that share the folder may be at work in it, so nothing that is new is touched. */
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
