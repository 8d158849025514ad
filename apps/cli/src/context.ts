import type { Client } from '@berth/sdk'
import type { Candidates } from './completion/candidates.ts'
import type { Config } from './config.ts'
import type { Settings } from './settings.ts'
import type { Terminal } from './terminal/terminal.ts'
import type { World } from './world.ts'

/** What a command works with, besides its own words. */
export interface Context {
  readonly world: World
  readonly clock: World['clock']
  readonly terminal: Terminal
  readonly config: Config
  /** Values of the global flags. */
  readonly settings: Settings
  /** Client of the logged-in user. Throws `NotLoggedIn` if there is no session. */
  readonly client: Client
  /** URL and token of {@link client}. Throws `NotLoggedIn` if there is no session. */
  readonly session: { readonly url: string; readonly token: string }
  /** Renders the help of the command with this path. Throws `UsageError` if there is none. */
  readonly help: (path: readonly string[]) => string
  /** Returns what can stand in place of the last word. */
  readonly complete: (words: readonly string[]) => Candidates
  /** Aborted by Ctrl-C. Waiting on it ends with `Canceled`. */
  readonly signal: AbortSignal
  /** Runs `task` while Ctrl-C calls `listener` instead of aborting {@link signal}. */
  interceptInterrupt<Value>(listener: () => void, task: () => Promise<Value>): Promise<Value>
}
