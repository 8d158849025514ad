import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable, Writable } from 'node:stream'
import { createClient } from '@berth/sdk'
import { onTestFinished } from 'vitest'
import { commandTree } from '../src/command-tree.ts'
import { run } from '../src/run.ts'
import { systemClock } from '../src/system-clock.ts'
import type { Clock, Environment, Signal, World } from '../src/world.ts'

/** Result of a command. */
export interface Outcome {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** How to call a command. */
export interface Call {
  readonly environment?: Environment
  /** Standard input as a pipe. */
  readonly stdin?: string
  readonly workingDirectory?: string
  readonly starterTemplatesDirectory?: string
  /** Called with a function that sends the command a signal. */
  readonly onStart?: (send: (signal: Signal) => void) => void
  readonly input?: World['input']
  readonly output?: World['output']
  readonly errorOutput?: World['errorOutput']
}

/** Creates a folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'berth-cli-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** A clock ten times as fast as the machine's, so that commands that poll don't hold tests up. */
function fastClock(): Clock {
  const startedAt = Date.now()
  return {
    ...systemClock,
    now: () => new Date(startedAt + (Date.now() - startedAt) * 10),
    sleep: async (ms, signal) => await systemClock.sleep(ms / 10, signal),
    every: (ms, callback) => systemClock.every(ms / 10, callback),
  }
}

/**
 * Runs a command in this process, with pipes in place of a terminal and without this machine's
 * configuration.
 */
export async function runBerth(words: readonly string[], call: Call = {}): Promise<Outcome> {
  const stdout = new Collector()
  const stderr = new Collector()
  const listeners = new Map<Signal, Set<() => void>>()
  const home = await temporaryFolder()
  const world: World = {
    environment: { ...call.environment },
    input: call.input ?? (call.stdin === undefined ? new PassThrough().end() : Readable.from([Buffer.from(call.stdin)])),
    output: call.output ?? stdout,
    errorOutput: call.errorOutput ?? stderr,
    clock: fastClock(),
    platform: 'linux',
    homeDirectory: home,
    workingDirectory: call.workingDirectory ?? home,
    username: 'ada',
    program: ['/opt/node', '/opt/berth/main.js'],
    starterTemplatesDirectory: call.starterTemplatesDirectory ?? home,
    keepOutput: () => undefined,
    connect: createClient,
    onSignal: (signal, listener) => {
      const known = listeners.get(signal) ?? new Set()
      listeners.set(signal, known.add(listener))
      return () => known.delete(listener)
    },
  }
  call.onStart?.((signal) => {
    for (const listener of listeners.get(signal) ?? []) listener()
  })
  const code = await run(words, world, commandTree)
  return { code, stdout: stdout.text, stderr: stderr.text }
}

class Collector extends Writable {
  text = ''

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}
