import type { ExecResponse, WorkspaceProcess } from '@berth/schema/shapes'
import { routes } from '@berth/schema/routes'
import type { CallOptions, DerivedClient } from './client.ts'
import { expandPath } from './request-url.ts'
import { RunningProcess, type WindowSize } from './running-process.ts'
import type { WebSocketLike } from './websocket.ts'
import { WorkspaceFileSystem } from './workspace-file-system.ts'
import type { WorkspacePlace } from './workspace-place.ts'
import { WorkspacePorts } from './workspace-ports.ts'

/** How to start a command. */
export interface CommandOptions {
  /** Relative to the agent's folder; `~/` is the home. Default: the folder. */
  readonly cwd?: string | undefined
  /** In addition to the workspace's own variables. */
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** How to run a command to its end. */
export interface ExecOptions extends CommandOptions, CallOptions {
  readonly stdin?: string | Uint8Array | undefined
  /** After this time the command is ended. Default: 60 s, at most 10 min. */
  readonly timeoutMs?: number | undefined
  /** How much of each of stdout and stderr to return. Default: 1 MiB, at most 4 MiB. */
  readonly maxOutputBytes?: number | undefined
}

/** What a command has left behind. */
export interface ExecResult {
  /** -1 if a signal ended the command. */
  readonly exitCode: number
  /** The signal that ended it, such as `SIGTERM`; empty if none did. */
  readonly signal: string
  readonly stdout: string
  readonly stderr: string
  /** Whether there was more output than was asked for. */
  readonly isTruncated: boolean
  readonly timedOut: boolean
}

/** How to start a process that goes on. */
export interface SpawnOptions extends CommandOptions {
  /** Gives the process a terminal of this size. Default: pipes. */
  readonly terminal?: WindowSize | undefined
  /** Whether the process goes on when its last client leaves. Default: false. */
  readonly detached?: boolean | undefined
}

/** The processes that were started in a workspace. */
export interface WorkspaceProcesses {
  /** Those that run, and those that ended in the last minutes. */
  list(options?: CallOptions): Promise<WorkspaceProcess[]>
  /** Attaches to a process, and shows its output after the bytes that have been seen. */
  attach(id: string, options?: { readonly after?: number }): RunningProcess
  /** Ends a process and forgets it. */
  remove(id: string, options?: CallOptions): Promise<void>
}

/** What can be done in a workspace. Everything waits until its agent is connected. */
export interface WorkspaceContents {
  /**
   * Runs a command, without a shell, and waits for it. An exit code other than 0 doesn't reject.
   */
  exec(command: readonly string[], options?: ExecOptions): Promise<ExecResult>
  /** Starts a process, without a shell. */
  spawn(command: readonly string[], options?: SpawnOptions): RunningProcess
  readonly processes: WorkspaceProcesses
  readonly files: WorkspaceFileSystem
  readonly ports: WorkspacePorts
}

/**
 * Returns what can be done in a workspace.
 *
 * @param place finds the workspace and its agent, and waits for it.
 */
export function contentsOf(client: DerivedClient, place: () => Promise<WorkspacePlace>): WorkspaceContents {
  const agent = async (): Promise<string> => (await place()).agent.id
  const open = (
    template: string,
    { request, ...parameters }: { readonly request?: object; readonly process?: string; readonly after?: number | undefined },
  ) => {
    const socket = async (): Promise<WebSocketLike> => {
      const { after, ...names } = parameters
      return client.openSocket(expandPath(template, { ...names, workspaceagent: await agent() }), { after })
    }
    return new RunningProcess(socket, { url: `${client.url}/api/v2${template}`, ...(request && { request }) })
  }
  return {
    exec: async (command, options = {}) => await execIn(client, await agent(), { command, ...options }),
    spawn: (command, { terminal, ...options } = {}) => {
      const size = terminal && { height: terminal.rows, width: terminal.columns }
      return open(routes.processes.start.path, { request: { command, ...options, terminal: size } })
    },
    processes: {
      list: async (options) => (await client.processes.list({ params: { workspaceagent: await agent() } }, options)).processes,
      attach: (id, { after } = {}) => open(routes.processes.attach.path, { process: id, after }),
      remove: async (id, options) => await client.processes.remove({ params: { workspaceagent: await agent(), process: id } }, options),
    },
    files: new WorkspaceFileSystem(client, agent),
    ports: new WorkspacePorts(client, place),
  }
}

async function execIn(
  client: DerivedClient,
  workspaceagent: string,
  { command, cwd, env, stdin, timeoutMs, maxOutputBytes, signal }: ExecOptions & { readonly command: readonly string[] },
): Promise<ExecResult> {
  const isBinary = stdin !== undefined && typeof stdin !== 'string'
  const body = {
    command: [...command],
    cwd,
    env: env && { ...env },
    timeout_ms: timeoutMs,
    max_output_bytes: maxOutputBytes,
    stdin: isBinary ? encodeBase64(stdin) : stdin,
    encoding: isBinary ? ('base64' as const) : undefined,
  }
  const answer = await client.processes.exec({ params: { workspaceagent }, body }, { signal })
  return resultOf(answer, isBinary ? decodeBase64 : (text) => text)
}

function resultOf(answer: ExecResponse, read: (text: string) => string): ExecResult {
  return {
    exitCode: answer.exit_code,
    signal: answer.signal,
    stdout: read(answer.stdout),
    stderr: read(answer.stderr),
    isTruncated: answer.stdout_truncated || answer.stderr_truncated,
    timedOut: answer.timed_out,
  }
}

const chunkBytes = 32 * 1024

function encodeBase64(bytes: Uint8Array): string {
  let binary = ''
  for (let at = 0; at < bytes.length; at += chunkBytes) binary += String.fromCodePoint(...bytes.subarray(at, at + chunkBytes))
  return btoa(binary)
}

function decodeBase64(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(text), (character) => character.codePointAt(0) ?? 0))
}
