/**
 * What the server asks Berth's agent to do, beyond streams: one line of JSON with the operation and
 * its request, answered with one line of JSON. Bytes may follow either.
 * @module
 */
import type {
  ExecRequest,
  ExecResponse,
  ProcessSignal,
  ProcessesResponse,
  StartProcessRequest,
  WorkspaceProcess,
} from './endpoints/processes.ts'
import type { MakeDirectoryRequest, RenameFileRequest, WorkspaceFile, WorkspaceFilesResponse } from './endpoints/workspace-files.ts'
import type { FailureCode } from './failures.ts'

/** Each operation: what the server sends, and what the agent answers when it succeeds. */
export interface AgentCalls {
  /** Afterwards the agent sends the bytes of stdout, then those of stderr. */
  'processes.exec': {
    /** `stdin` is base64. */
    request: Required<Pick<ExecRequest, 'command' | 'cwd' | 'env' | 'stdin' | 'timeout_ms' | 'max_output_bytes'>>
    answer: Omit<ExecResponse, 'stdout' | 'stderr'> & { stdout_bytes: number; stderr_bytes: number }
  }
  /** Afterwards both sides send frames. */
  'processes.start': { request: StartProcessRequest; answer: WorkspaceProcess }
  /** Afterwards both sides send frames. */
  'processes.attach': { request: { id: string; after: number }; answer: WorkspaceProcess }
  'processes.list': { request: object; answer: ProcessesResponse }
  'processes.get': { request: { id: string }; answer: WorkspaceProcess }
  'processes.signal': { request: { id: string; signal: ProcessSignal }; answer: object }
  'processes.remove': { request: { id: string }; answer: object }
  'files.list': { request: { path: string; after: string; limit: number }; answer: WorkspaceFilesResponse }
  'files.stat': { request: { path: string }; answer: WorkspaceFile }
  /** Afterwards the agent sends the bytes. A length of -1 is all of them. */
  'files.read': { request: { path: string; offset: number; length: number }; answer: { size: number } }
  /** The server sends the bytes after its line. An empty mode is the default. */
  'files.write': { request: { path: string; parents: boolean; mode: string }; answer: WorkspaceFile }
  'files.mkdir': { request: Required<MakeDirectoryRequest>; answer: WorkspaceFile }
  'files.rename': { request: RenameFileRequest; answer: WorkspaceFile }
  'files.remove': { request: { path: string; recursive: boolean }; answer: object }
  /** Afterwards the agent sends one line of JSON for each event. */
  'files.watch': { request: { path: string }; answer: object }
}

/** The name of an operation. */
export type AgentOperation = keyof AgentCalls

/** A line that the server sends. */
export type AgentCall = { [Name in AgentOperation]: { op: Name; request: AgentCalls[Name]['request'] } }[AgentOperation]

/** The failures that an agent may answer with. */
export const agentCallFailures = [
  'invalid_command',
  'process_not_found',
  'workspace_busy',
  'invalid_path',
  'path_not_found',
  'path_forbidden',
  'path_conflict',
  'workspace_storage_full',
] as const satisfies readonly FailureCode[]
export type AgentCallFailure = (typeof agentCallFailures)[number]
