/**
 * Everything outside the program that a command may touch, as one argument.
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

/** Time. */
export interface Clock {
  now(): Date
  /** Resolves after that many milliseconds, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Calls back every so many milliseconds until the returned function is called. Does not keep the process alive. */
  every(ms: number, callback: () => void): () => void
  /** Name of the local time zone, such as `Europe/Dublin`. */
  readonly timeZone: string
}

/** How to reach a deployment. */
export interface ConnectOptions {
  readonly url: string
  readonly token?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The signals that a command may want to hear of. */
export type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGWINCH'

/** The world as the program is given it. */
export interface World {
  readonly environment: Environment
  readonly input: Input
  readonly output: Output
  readonly errorOutput: Output
  readonly clock: Clock
  readonly platform: NodeJS.Platform
  readonly homeDirectory: string
  readonly workingDirectory: string
  /** Login name of the operating system's user. */
  readonly username: string
  /** The folder with one starter template per subfolder. */
  readonly starterTemplatesDirectory: string
  /** Makes a client for a deployment; nothing is sent yet. */
  readonly connect: (options: ConnectOptions) => Client
  /** Listens to a signal instead of the default action, until the returned function is called. */
  readonly onSignal: (signal: Signal, listener: () => void) => () => void
}
