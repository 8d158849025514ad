import { accessSync, constants, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { userInfo } from 'node:os'
import type { Duplex } from 'node:stream'
import { AppHealthChecks } from './app-health.ts'
import type { AgentConfig, Environment } from './config.ts'
import { keepConnected } from './connection.ts'
import { WorkspaceFiles } from './files/workspace-files.ts'
import { createPortScanner } from './listening-ports.ts'
import { reasonOf, type Logger } from './logger.ts'
import { ProcessTable } from './processes/process-table.ts'
import { ProcessSessions } from './process-sessions.ts'
import { TerminalSessions } from './pty/terminal-sessions.ts'
import { createServerClient, type ServerClient } from './server-client.ts'
import { portHolders } from './socket-holders.ts'
import type { SshServer } from './ssh/ssh-server.ts'
import { SpeedTests } from './speed-tests.ts'
import { runStartupScript } from './startup-script.ts'
import { reportStats } from './stats-reports.ts'
import { TrafficStats } from './stats.ts'
import { answerTarget } from './targets.ts'
import { expandPath, readAccount, type PasswdEntry } from './user-environment.ts'
import { Workspace } from './workspace.ts'

export interface AgentOptions {
  config: AgentConfig
  environment: Environment
  logger: Logger
  /** With a leading `v`, as the server expects it. */
  version: string
}

export interface Agent {
  /** Ends everything the agent started. Resolves within 3 s. */
  stop: () => Promise<void>
}

/** How long processes may take to end after a hang-up when the agent stops. */
const stopGraceMs = 1_500
const maxGreetingBytes = 64 * 1024

/**
 * Starts the agent, which connects to its server and answers what the server dials until it is
 * stopped.
 */
export function startAgent({ config, environment, logger, version }: AgentOptions): Agent {
  const stopping = new AbortController()
  const client = createServerClient(config, stopping.signal)
  const account = readAccount(environment, readPasswd(), canRun)
  const workspace = new Workspace({ account, environment, isDirectory })
  const sessions = new ProcessSessions((pid, signal) => process.kill(pid, signal))
  const stats = new TrafficStats()
  const timers = { setTimeout: unreferencedTimeout }
  const terminals = new TerminalSessions({ workspace, sessions, timers })
  const calls = { processes: new ProcessTable({ workspace, sessions, timers }), files: new WorkspaceFiles(workspace) }
  const health = new AppHealthChecks((healths) => client.reportAppHealth(healths), logger)
  const connectSsh = lazySsh({ workspace, sessions, readGreeting: () => readGreeting(workspace) }, logger)
  const speedTests = new SpeedTests()
  const scanPorts = createPortScanner(() => performance.now(), portHolders(environment))
  const introduce = introduction({ client, workspace, sessions, health, logger, version })

  const connected = keepConnected({
    config,
    logger,
    signal: stopping.signal,
    random: Math.random,
    prepare: introduce.before,
    answer: (request) => answerTarget(request, { connectSsh, terminals, speedTests, scanPorts, stats, calls }),
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

/**
 * Returns what the agent exchanges with the server before and after connecting. The startup script
 * runs once per agent process.
 */
function introduction({ client, workspace, sessions, health, logger, version }: IntroductionOptions) {
  let introduced = false
  const learn = async (): Promise<void> => {
    const metadata = await client.metadata()
    workspace.update(metadata)
    health.watch(metadata.apps)
  }
  return {
    /** Runs before the first tunnel, so that every shell has the template's environment. */
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
    /**
     * Runs with each later tunnel: the metadata may have changed, and the server may be a newer
     * one.
     */
    after: exceptFirst(async () => {
      try {
        await learn()
        await client.reportVersion(version)
      } catch (error) {
        logger.warn('The metadata of the agent could not be refreshed', { reason: reasonOf(error) })
      }
    }),
  }
}

/** Returns a function that runs an action, which never rejects, on every call but the first. */
function exceptFirst(action: () => Promise<void>): () => void {
  let first = true
  return () => {
    if (!first) void action()
    first = false
  }
}

/** Loads the SSH server with the first connection, since loading it takes a while. */
function lazySsh(context: ConstructorParameters<typeof SshServer>[0], logger: Logger): (stream: Duplex) => Promise<void> {
  let server: Promise<SshServer> | undefined
  return async (stream) => {
    server ??= import('./ssh/ssh-server.ts')
      .then((module) => new module.SshServer(context, logger))
      .catch((error: unknown) => {
        server = undefined // so that the next connection tries again
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
    // The user has no such file, and so wants the greeting.
  }
  try {
    return readFileSync(expandPath(path, workspace.environment()), 'utf8').slice(0, maxGreetingBytes)
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
