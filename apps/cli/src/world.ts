/**
 * Everything outside the program that a command can touch, as one argument.
 * @module
 */
import type { Readable, Writable } from 'node:stream'
import type { Client } from '@berth/sdk'

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Standard input: a terminal when `isTTY` is true. */
export type Input = Readable & { readonly isTTY?: boolean; setRawMode?(raw: boolean): unknown }
/** Standard output or standard error. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number; readonly rows?: number }

/** The current time, and timers. */
export interface Clock {
  now(): Date
  /** Resolves after `ms` milliseconds. Rejects with the signal's reason once it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /**
   * Calls `callback` every `ms` milliseconds until the returned function is called. Doesn't keep
   * the process alive.
   */
  every(ms: number, callback: () => void): () => void
  /** Milliseconds, with fractions, since some moment. They never go back. */
  monotonicMs(): number
  /** Name of the local time zone, such as `Europe/Dublin`. */
  readonly timeZone: string
}

/** How to reach a deployment. */
export interface ConnectOptions {
  readonly url: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Signals that a command can listen to. */
export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGWINCH'

/** The process, the machine and the network, as the program sees them. */
export interface World {
  readonly environment: Environment
  readonly input: Input
  readonly output: Output
  readonly errorOutput: Output
  readonly clock: Clock
  readonly platform: NodeJS.Platform
  readonly homeDirectory: string
  readonly workingDirectory: string
  /** Name of the operating system's user. Empty if it has none. */
  readonly username: string
  /** Words that start this program again, such as the paths of Node and of its script. */
  readonly program: readonly string[]
  /** Folder with one subfolder for each starter template. */
  readonly starterTemplatesDirectory: string
  /**
   * Stops the terminal from changing what is written to it, until raw mode ends. Raw mode alone
   * still turns each line feed into two characters, which moves the cursor of full-screen programs.
   */
  readonly keepOutput: () => void
  /**
   * Creates a client for a deployment. Throws `TypeError` if the URL isn't valid. Nothing is sent
   * yet.
   */
  readonly connect: (options: ConnectOptions) => Client
  /**
   * Calls `listener` in place of the signal's default action, until the returned function is
   * called.
   */
  readonly onSignal: (signal: Signal, listener: () => void) => () => void
}
