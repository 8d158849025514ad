/**
 * Typed client for Berth and any server that speaks the Coder v2 HTTP API. Every export is public
 * API.
 * @module
 */
export type * from '@berth/schema/shapes'
export { ApiError, type ApiErrorOptions, type FieldError } from './api-error.ts'
export { BuildError } from './build-error.ts'
export type {
  CallOptions,
  ClientConnection,
  ClientOptions,
  DerivedClient,
  Operation,
  OperationRequest,
  OperationShape,
  Operations,
} from './client.ts'
export type { FetchOptions } from './connection.ts'
export { ConnectionError } from './connection-error.ts'
export { createClient, type Client } from './create-client.ts'
export type { NewWorkspace } from './create-by-template-name.ts'
export { followLogs, type FollowOptions, type LogSource } from './follow-logs.ts'
export type { CreatedWorkspace, OpenOptions, OpenWorkspace } from './open-workspace.ts'
export type { ForwardOptions, ForwardedPort } from './forwarded-port.ts'
export type { OutputStream, ProcessOutput } from './output-queue.ts'
export type { ProcessEnd, RunningProcess, WindowSize } from './running-process.ts'
export type { CommandOptions, ExecOptions, ExecResult, SpawnOptions, WorkspaceContents, WorkspaceProcesses } from './workspace-contents.ts'
export type { FileContent, WorkspaceFileSystem, WriteOptions } from './workspace-file-system.ts'
export type { WorkspacePlace } from './workspace-place.ts'
export type { WorkspacePorts } from './workspace-ports.ts'
export type { StreamOptions } from './reconnect.ts'
export type { UrlValue } from './request-url.ts'
export type { SocketClose, SocketError, SocketMessage, WebSocketConstructor, WebSocketLike } from './websocket.ts'
export { watchWorkspace, type WatchOptions } from './watch-workspace.ts'
export type { BuildOptions, WorkspaceCalls, WorkspaceReference } from './workspace-calls.ts'
