import { resolve } from 'node:path'
import type { AgentMetadata } from './protocol.ts'
import { startDirectory, userEnvironment, type Account } from './user-environment.ts'
import type { Environment } from './config.ts'

/** How to start one of the user's processes. */
export interface Launch {
  file: string
  args: string[]
  cwd: string
  environment: Record<string, string>
}

/** Shells that have `-l`; others are started without a flag. */
const loginShells = new Set(['bash', 'sh', 'dash', 'ash', 'zsh', 'fish', 'ksh', 'mksh', 'csh', 'tcsh', 'nu'])

/** The agent's workspace. The server's metadata of it may change while the agent runs. */
export class Workspace {
  readonly account: Account
  readonly #own: Environment
  readonly #isDirectory: (path: string) => boolean
  #metadata: AgentMetadata | undefined

  constructor(options: { account: Account; environment: Environment; isDirectory: (path: string) => boolean }) {
    this.account = options.account
    this.#own = options.environment
    this.#isDirectory = options.isDirectory
  }

  /** The server's latest metadata; undefined until the first answer. */
  get metadata(): AgentMetadata | undefined {
    return this.#metadata
  }

  update(metadata: AgentMetadata): void {
    this.#metadata = metadata
  }

  environment(): Record<string, string> {
    return userEnvironment(this.#own, this.account, this.#metadata)
  }

  directory(): string {
    return startDirectory(this.#metadata?.directory ?? '', this.environment(), this.#isDirectory)
  }

  /**
   * Returns the absolute path that a client means: relative to the directory, or to the home after
   * `~/`.
   */
  path(text: string): string {
    return text === '~' || text.startsWith('~/') ? resolve(this.account.home, text.slice(2)) : resolve(this.directory(), text)
  }

  /** Whether a path is a folder. */
  isDirectory(path: string): boolean {
    return this.#isDirectory(path)
  }

  /**
   * Returns how to start a command line in the user's shell, or the login shell when there is none.
   */
  launch(command: string | undefined, extra: Readonly<Record<string, string>> = {}): Launch {
    const { shell } = this.account
    const login = loginShells.has(shell.slice(shell.lastIndexOf('/') + 1)) ? ['-l'] : []
    return {
      file: shell,
      args: command === undefined ? login : ['-c', command],
      cwd: this.directory(),
      environment: { ...this.environment(), ...extra },
    }
  }
}
