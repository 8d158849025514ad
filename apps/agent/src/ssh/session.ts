import type { Session } from 'ssh2'
import type { ProcessSessions } from '../process-sessions.ts'
import { serveSftp } from '../sftp/sftp-server.ts'
import type { TerminalSize } from '../terminal.ts'
import { isVariable } from '../user-environment.ts'
import type { Workspace } from '../workspace.ts'
import type { AgentSocket } from './agent-socket.ts'
import { runCommand, type RunningProcess } from './command.ts'
import { runShell, type RunningShell } from './shell.ts'
import { signalOfClient } from './signals.ts'

export interface SessionContext {
  workspace: Workspace
  sessions: ProcessSessions
  /** Returns the text shown when a shell opens; empty when there is none. */
  readGreeting: () => string
}

/** What the client has set up and started in one session. */
interface SessionState {
  variables: Record<string, string>
  /** Where the client's SSH agent can be reached. Undefined if the client doesn't share it. */
  agentSocket: string | undefined
  terminal: { type: string; size: TerminalSize } | undefined
  process: RunningProcess | undefined
  shell: RunningShell | undefined
}

const maxVariables = 200
const maxVariableLength = 32_768

/**
 * sshd sets the addresses of both ends. A tunnel has none, but programs only check that the
 * variables exist.
 */
const connectionVariables = { SSH_CLIENT: '127.0.0.1 0 22', SSH_CONNECTION: '127.0.0.1 0 127.0.0.1 22' }

/**
 * Serves one session of an SSH connection: a shell, a command or a file transfer, set up by earlier
 * requests.
 */
export function serveSession(session: Session, context: SessionContext, agentSocket: AgentSocket): void {
  const state: SessionState = { variables: {}, agentSocket: undefined, terminal: undefined, process: undefined, shell: undefined }
  session.on('env', (accept: (() => void) | undefined, reject: (() => void) | undefined, { key, val }: { key: string; val: string }) => {
    const fits = Object.keys(state.variables).length < maxVariables && val.length <= maxVariableLength
    if (!fits || !isVariable(key, val)) {
      reject?.()
      return
    }
    state.variables[key] = val
    accept?.()
  })
  session.on('auth-agent', (accept, reject) => {
    const isOpen = shareAgent(state, agentSocket)
    ;((isOpen ? accept : reject) as (() => void) | undefined)?.()
  })
  session.on('pty', (accept, _reject, { term, cols, rows }) => {
    state.terminal = { type: term || 'xterm', size: { columns: cols || 80, rows: rows || 24 } }
    ;(accept as (() => void) | undefined)?.()
  })
  session.on('window-change', (_accept, _reject, { cols, rows }) => {
    const size = { columns: cols, rows }
    if (state.terminal) state.terminal.size = size
    state.shell?.resize(size)
  })
  session.on('signal', (accept, reject, { name }) => {
    const signal = signalOfClient(name)
    if (signal) state.process?.signal(signal)
    // Both are undefined when the client wants no answer, as clients usually do.
    ;((signal ? accept : reject) as (() => void) | undefined)?.()
  })
  session.on('exec', (accept, _reject, { command }) => start({ state, context, accept, command }))
  session.on('shell', (accept) => start({ state, context, accept, command: undefined }))
  session.on('sftp', (accept) => {
    serveSftp(accept(), context.workspace.directory(), context.workspace.account.username)
  })
  session.on('close', () => state.process?.end())
}

/** Returns whether the client's SSH agent can be reached from now on. */
function shareAgent(state: SessionState, agentSocket: AgentSocket): boolean {
  try {
    state.agentSocket = agentSocket.open()
    return true
  } catch {
    // There is no folder to write to. The session works without the agent.
    return false
  }
}

type AcceptChannel = () => Parameters<typeof runShell>[0]['channel'] | undefined

function start(options: { state: SessionState; context: SessionContext; accept: AcceptChannel; command: string | undefined }): void {
  const { state, context, accept, command } = options
  const channel = accept()
  if (!channel) return
  channel.on('error', () => undefined)
  channel.stderr.on('error', () => undefined)
  const { workspace, sessions } = context
  const launch = workspace.launch(command, {
    ...connectionVariables,
    ...state.variables,
    ...(state.agentSocket !== undefined && { SSH_AUTH_SOCK: state.agentSocket }),
  })
  if (state.terminal) {
    const greeting = command === undefined ? context.readGreeting() : ''
    state.shell = runShell({ channel, launch, sessions, ...state.terminal, greeting })
    state.process = state.shell
  } else {
    state.process = runCommand({ channel, launch, sessions })
  }
}
