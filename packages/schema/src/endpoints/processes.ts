import { Type, type Static } from '@sinclair/typebox'
import { AgentParams } from './agents.ts'
import { endpoint } from '../endpoint.ts'
import { integerRange, maxJsonBytes, maxListItems, maxTextLength } from '../rules/field-limits.ts'
import {
  maxCommandWords,
  endedProcessKeptMs,
  execOutputBytes,
  execTimeoutMs,
  maxProcesses,
  processReplayBytes,
} from '../rules/processes.ts'
import { maxPathLength } from '../rules/workspace-files.ts'
import { Choice, Timestamp } from '../wire.ts'

/** Signals that can be sent to a process. */
export const processSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGSTOP', 'SIGCONT'] as const
export type ProcessSignal = (typeof processSignals)[number]

const commandFields = {
  command: Type.Array(Type.String({ maxLength: maxTextLength }), {
    maxItems: maxCommandWords,
    description: 'The program and its arguments. No shell reads them.',
  }),
  cwd: Type.Optional(
    Type.String({
      maxLength: maxPathLength,
      description: "The folder to start in, relative to the agent's directory; `~/` is the home. Default: the directory.",
    }),
  ),
  env: Type.Optional(
    Type.Record(Type.String({ pattern: '^[\\s\\S]*$' }), Type.String({ maxLength: maxTextLength }), {
      maxProperties: maxListItems,
      description: "Variables to set in addition to the workspace's own.",
    }),
  ),
}

export const ExecRequest = Type.Object(
  {
    ...commandFields,
    stdin: Type.Optional(
      Type.String({ maxLength: maxJsonBytes, description: 'What the command reads, in the encoding below. Default: nothing.' }),
    ),
    encoding: Type.Optional(
      Choice(['utf-8', 'base64'], { rules: ['oneof'], description: 'Of stdin, stdout and stderr. Default: `utf-8`.' }),
    ),
    timeout_ms: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: execTimeoutMs.max,
        description: `Milliseconds after which the command is ended. Default: ${execTimeoutMs.default}; at most ${execTimeoutMs.max}.`,
      }),
    ),
    max_output_bytes: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: execOutputBytes.max,
        description: `How much of each of stdout and stderr to answer with. Default: ${execOutputBytes.default}; at most ${execOutputBytes.max}.`,
      }),
    ),
  },
  { title: 'ExecRequest', examples: [{ command: ['npm', 'test'], cwd: 'app', timeout_ms: 60_000 }] },
)
export type ExecRequest = Static<typeof ExecRequest>

const endFields = {
  exit_code: Type.Integer({ description: '-1 if a signal ended the process.' }),
  signal: Type.String({ description: 'The signal that ended the process, such as `SIGTERM`. Empty if none did.' }),
}

export const ExecResponse = Type.Object(
  {
    ...endFields,
    stdout: Type.String(),
    stderr: Type.String(),
    stdout_truncated: Type.Boolean({ description: 'Whether there was more than `stdout` has. The first bytes are kept.' }),
    stderr_truncated: Type.Boolean({ description: 'Whether there was more than `stderr` has.' }),
    timed_out: Type.Boolean({ description: 'Whether the command was ended because its time was up.' }),
  },
  { title: 'ExecResponse' },
)
export type ExecResponse = Static<typeof ExecResponse>

export const TerminalSize = Type.Object(
  {
    height: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Rows.' }),
    width: Type.Integer({ minimum: 1, maximum: 65_535, description: 'Columns.' }),
  },
  { title: 'TerminalSize' },
)

/** The first message of the socket that starts a process. */
export const StartProcessRequest = Type.Object(
  {
    ...commandFields,
    terminal: Type.Optional(TerminalSize),
    detached: Type.Optional(Type.Boolean({ description: 'Whether the process goes on when its last client leaves. Default: false.' })),
  },
  { title: 'StartProcessRequest' },
)
export type StartProcessRequest = Static<typeof StartProcessRequest>

export const WorkspaceProcess = Type.Object(
  {
    id: Type.String({ description: 'Names the process in requests. Other than its process ID, it is never used again.' }),
    command: Type.Array(Type.String()),
    cwd: Type.String(),
    pid: Type.Integer(),
    has_terminal: Type.Boolean(),
    detached: Type.Boolean(),
    clients: Type.Integer({ description: 'Number of attached clients.' }),
    output_bytes: Type.Integer({ description: 'How much the process has written, including what is no longer kept.' }),
    started_at: Timestamp(),
    ended_at: Type.Optional(Timestamp({ description: 'Absent while the process runs.' })),
    exit_code: Type.Optional(Type.Integer({ description: 'Absent while the process runs. -1 if a signal ended it.' })),
    signal: Type.Optional(Type.String({ description: 'The signal that ended the process.' })),
  },
  { title: 'WorkspaceProcess' },
)
export type WorkspaceProcess = Static<typeof WorkspaceProcess>

export const ProcessesResponse = Type.Object({ processes: Type.Array(WorkspaceProcess) }, { title: 'ProcessesResponse' })
export type ProcessesResponse = Static<typeof ProcessesResponse>

export const SignalProcessRequest = Type.Object(
  { signal: Choice(processSignals, { rules: ['required', 'oneof'] }) },
  { title: 'SignalProcessRequest', examples: [{ signal: 'SIGTERM' }] },
)
export type SignalProcessRequest = Static<typeof SignalProcessRequest>

const ProcessParams = Type.Object({ ...AgentParams.properties, process: Type.String({ description: 'ID of the process.' }) })

const access = { resource: 'workspace_execution', action: 'create' } as const
/** Failures of every call that reaches an agent. */
const reaching = ['invalid_uuid', 'agent_not_found', 'agent_not_of_workspace', 'not_found', 'agent_not_connected', 'agent_failed'] as const

const socketWords =
  'Then each binary message carries bytes after one byte that says which: the client sends 0 for stdin; the server sends 1 for stdout and 2 for stderr. Text messages are JSON: the client sends `{"end_stdin":true}`, `{"signal":"SIGINT"}`, `{"resize":{"height","width"}}` or `{"detach":true}`; the server answers the last with `{"detached":true}`, and sends `{"exited":{"exit_code","signal"}}` before it closes with 1000.'

export const processes = {
  exec: endpoint({
    method: 'POST',
    path: '/workspaceagents/:workspaceagent/exec',
    summary: 'Run a command in a workspace, and wait for it.',
    description:
      'Berth only. Answers when the command has ended or its time is up. If the client leaves first, the command is ended. Output beyond the limit is dropped, and the answer says so.',
    access,
    params: AgentParams,
    body: ExecRequest,
    status: 200,
    response: ExecResponse,
    failures: [...reaching, 'invalid_json', 'validation_failed', 'invalid_command', 'workspace_busy'],
  }),
  start: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/exec',
    summary: 'Start a process in a workspace, and talk to it.',
    description: `Berth only. A WebSocket. The client's first message is JSON: \`{"command": ["npm", "run", "dev"], "cwd", "env", "terminal": {"height", "width"}, "detached"}\`. The server answers \`{"started": …}\` with the process, or \`{"failed": {"status", "message"}}\`. ${socketWords} A process that isn't detached is ended when its last client leaves.`,
    access,
    params: AgentParams,
    status: 101,
    delivery: 'websocket',
    failures: [...reaching, 'upgrade_required'],
  }),
  list: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/processes',
    summary: 'List the processes that were started in a workspace.',
    description: `Berth only. Running processes, and ended ones for ${endedProcessKeptMs / 60_000} minutes, oldest first. At most ${maxProcesses} are kept.`,
    access,
    params: AgentParams,
    status: 200,
    response: ProcessesResponse,
    failures: [...reaching],
  }),
  get: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/processes/:process',
    summary: 'Get a process of a workspace.',
    description: 'Berth only. Says whether it runs, or how it ended.',
    access,
    params: ProcessParams,
    status: 200,
    response: WorkspaceProcess,
    failures: [...reaching, 'process_not_found'],
  }),
  attach: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/processes/:process/attach',
    summary: 'Attach to a process of a workspace.',
    description: `Berth only. A WebSocket. The server sends \`{"attached": …}\` with the process, then the last ${processReplayBytes / 1024} KiB of its output, or what of it came after the first \`after\` bytes, and then what it writes; or \`{"failed": {"status", "message"}}\`. ${socketWords}`,
    access,
    params: ProcessParams,
    query: Type.Object({
      after: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: integerRange.maximum,
          description: 'How many bytes of the output the client has already seen.',
        }),
      ),
    }),
    status: 101,
    delivery: 'websocket',
    failures: [...reaching, 'invalid_query', 'upgrade_required'],
  }),
  signal: endpoint({
    method: 'POST',
    path: '/workspaceagents/:workspaceagent/processes/:process/signal',
    summary: 'Send a signal to a process of a workspace.',
    description: 'Berth only. The signal goes to the whole process group. A process that has ended ignores it.',
    access,
    params: ProcessParams,
    body: SignalProcessRequest,
    status: 204,
    failures: [...reaching, 'process_not_found', 'invalid_json', 'validation_failed'],
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/workspaceagents/:workspaceagent/processes/:process',
    summary: 'End a process of a workspace, and forget it.',
    description: 'Berth only. A process that still runs is hung up and, 5 seconds later, killed with everything that it started.',
    access,
    params: ProcessParams,
    status: 204,
    failures: [...reaching, 'process_not_found'],
  }),
}
