import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { userInfo } from 'node:os'
import type { Duplex } from 'node:stream'
import { AppHealthChecks } from './app-health.ts'
import type { AgentConfig, Environment } from './config.ts'
import { keepConnected } from './connection.ts'
import { createPortScanner } from './listening-ports.ts'
import { reasonOf, type Logger } from './logger.ts'
import { ProcessSessions } from './process-sessions.ts'
import { TerminalSessions } from './pty/terminal-sessions.ts'
import { createServerClient, type ServerClient } from './server-client.ts'
import type { SshServer } from './ssh/ssh-server.ts'
import { runStartupScript } from './startup-script.ts'
import { TrafficStats } from './stats.ts'
import { answerTarget } from './targets.ts'
import { readAccount, type PasswdEntry } from './user-environment.ts'
import { Workspace } from './workspace.ts'

export interface AgentOptions {
  config: AgentConfig
  environment: Environment
  logger: Logger
  /** With a leading `v`, as the server wants it. */
  version: string
}

export interface Agent {
  /** Ends everything that was started; resolves within 3 s. */
  stop: () => Promise<void>
}

const firstStatsMs = 30_000
const stopGraceMs = 1_500
const maxGreetingBytes = 64 * 1024

/** Starts the agent: everything it does from here on is the answer to its server, or to a signal. */
export function startAgent({ config, environment, logger, version }: AgentOptions): Agent {
  const stopping = new AbortController()
  const client = createServerClient(config, stopping.signal)
  const account = readAccount(environment, readPasswd(), canRun)
  const workspace = new Workspace({ account, environment, isDirectory })
  const sessions = new ProcessSessions((pid, signal) => process.kill(pid, signal))
  const stats = new TrafficStats()
  const terminals = new TerminalSessions({ workspace, sessions, timers: { setTimeout: unreferencedTimeout } })
  const health = new AppHealthChecks((healths) => client.reportAppHealth(healths), logger)
  const connectSsh = lazySsh({ workspace, sessions, readGreeting: () => readGreeting(workspace) }, logger)
  const scanPorts = createPortScanner(() => performance.now())
  const introduce = introduction({ client, workspace, sessions, health, logger, version })

  const connected = keepConnected({
    config,
    logger,
    signal: stopping.signal,
    random: Math.random,
    prepare: introduce.before,
    answer: (request) => answerTarget(request, { connectSsh, terminals, scanPorts, stats }),
    onConnected: () => {
      logger.info('Connected to the server', { url: config.serverUrl })
      introduce.after()
    },
  })
  const reporting = reportStats({ client, stats, logger, signal: stopping.signal })

  return {
    async stop() {
      health.stop()
      const ended = sessions.endAll(stopGraceMs)
      await ended
      terminals.endAll()
      stopping.abort(new Error('The agent is stopping'))
      await Promise.all([connected, reporting])
    },
  }
}

interface IntroductionOptions {
  client: ServerClient
  workspace: Workspace
  sessions: ProcessSessions
  health: AppHealthChecks
  logger: Logger
  version: string
}

/** What the agent and the server tell each other around the tunnel. The startup script runs once for each process of the agent. */
function introduction({ client, workspace, sessions, health, logger, version }: IntroductionOptions) {
  let introduced = false
  const learn = async (): Promise<void> => {
    const metadata = await client.metadata()
    workspace.update(metadata)
    health.watch(metadata.apps)
  }
  return {
    /** Before the first tunnel: nobody should get a shell without the environment the template sets. */
    before: async (): Promise<void> => {
      if (introduced) return
      await learn()
      await client.reportVersion(version)
      introduced = true
      const script = workspace.metadata?.startup_script ?? ''
      if (script.trim() === '') return
      runStartupScript({ script, workspace, sessions, logger }).catch((error: unknown) =>
        logger.error('The startup script could not be run', { reason: reasonOf(error) }),
      )
    },
    /** With each tunnel: the server may have news, and may have been updated. */
    after: once(async () => {
      try {
        await learn()
        await client.reportVersion(version)
      } catch (error) {
        logger.warn('The metadata of the agent could not be refreshed', { reason: reasonOf(error) })
      }
    }),
  }
}

/** The first call is for what has just been done. */
function once(action: () => Promise<void>): () => void {
  let first = true
  return () => {
    if (!first) void action()
    first = false
  }
}

interface ReportingOptions {
  client: ServerClient
  stats: TrafficStats
  logger: Logger
  signal: AbortSignal
}

async function reportStats({ client, stats, logger, signal }: ReportingOptions): Promise<void> {
  let pauseMs = firstStatsMs
  for (;;) {
    await new Promise<void>((resolve) => {
      const timer = unreferencedTimeout(done, pauseMs)
      function done(): void {
        timer.cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      signal.addEventListener('abort', done, { once: true })
      if (signal.aborted) done()
    })
    if (signal.aborted) return
    try {
      const next = await client.reportStats(stats.take())
      if (next >= 100) pauseMs = next
    } catch (error) {
      logger.warn('The traffic of the workspace could not be reported', { reason: reasonOf(error) })
    }
  }
}

/** The SSH server takes a while to load and is not needed before the first connection. */
function lazySsh(context: ConstructorParameters<typeof SshServer>[0], logger: Logger): (stream: Duplex) => Promise<void> {
  let server: Promise<SshServer> | undefined
  return async (stream) => {
    server ??= import('./ssh/ssh-server.ts')
      .then((module) => new module.SshServer(context, logger))
      .catch((error: unknown) => {
        server = undefined // the next connection may fare better
        throw error
      })
    ;(await server).connect(stream)
  }
}

function readGreeting(workspace: Workspace): string {
  const path = workspace.metadata?.motd_file ?? ''
  if (path === '') return ''
  try {
    statSync(join(workspace.account.home, '.hushlogin'))
    return ''
  } catch {
    // No wish for silence.
  }
  try {
    return readFileSync(path, 'utf8').slice(0, maxGreetingBytes)
  } catch {
    return ''
  }
}

function unreferencedTimeout(action: () => void, delayMs: number): { cancel: () => void } {
  const timer = setTimeout(action, delayMs)
  timer.unref()
  return { cancel: () => clearTimeout(timer) }
}

function readPasswd(): PasswdEntry {
  try {
    return userInfo()
  } catch {
    return undefined
  }
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
