import type { Client } from '@berth/sdk'
import type { CommandGroup } from './command.ts'
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
  /** The flags that every command has. */
  readonly settings: Settings
  /** The client of the signed-in user. Reading it throws `NotLoggedIn` when there is no session. */
  readonly client: Client
  /** Like {@link client}, with the URL and token it was made of. */
  readonly session: { readonly url: string; readonly token: string }
  /** All commands, for those that speak about commands. */
  readonly commands: CommandGroup
  /** The help of the command with this path; throws `UsageError` when there is none. */
  readonly help: (path: readonly string[]) => string
  /** Aborted by Ctrl-C. What waits on it ends with `Canceled`. */
  readonly signal: AbortSignal
  /** Runs `task` with Ctrl-C going to `listener` instead of to {@link signal}. */
  interceptInterrupt<Value>(listener: () => void, task: () => Promise<Value>): Promise<Value>
}
