import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startStubServer, type StubServer } from './stub-server.ts'

export const agentToken = 'a-token-that-must-not-leak'

export interface AgentProcess {
  readonly child: ChildProcess
  readonly server: StubServer
  readonly home: string
  readonly startedAt: number
  /** Returns what it has logged so far. */
  log: () => string
  /** Sends a signal and resolves with the exit code. */
  stop: (signal?: NodeJS.Signals) => Promise<number | null>
  /** Ends it if it is still running, and deletes its home. */
  cleanUp: () => Promise<void>
}

/** Starts the built agent as a process with its own home, connected to a stub server. */
export async function startAgentProcess(options: {
  /** A script for Node, or the agent as one executable. */
  entry: string | { readonly executable: string }
  server?: StubServer
  environment?: Record<string, string>
}): Promise<AgentProcess> {
  const server = options.server ?? (await startStubServer())
  const home = await mkdtemp(join(tmpdir(), 'berth-agent-'))
  const startedAt = Date.now()
  const { entry } = options
  const [program, word] = typeof entry === 'string' ? [process.execPath, entry] : [entry.executable, 'agent']
  const child = spawn(program, [word], {
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      USER: 'alice',
      SHELL: '/bin/bash',
      LANG: 'C.UTF-8',
      SECRET_OF_THE_HOST: 'hidden',
      BERTH_AGENT_TOKEN: agentToken,
      BERTH_AGENT_URL: server.url,
      BERTH_WORKSPACE_NAME: 'dev',
      ...options.environment,
    },
    cwd: '/',
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const exited = once(child, 'exit') as Promise<[number | null]>
  return {
    child,
    server,
    home,
    startedAt,
    log: () => log,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      return (await exited)[0]
    },
    async cleanUp() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await exited
      }
      await server.goAway()
      await rm(home, { recursive: true, force: true })
    },
  }
}
