import { Type, type Static } from '@sinclair/typebox'
import { AgentParams } from './agents.ts'
import { endpoint } from '../endpoint.ts'
import { integerRange, maxLineLength } from '../rules/field-limits.ts'
import { listedFiles, maxPathLength, maxWatchedChanges } from '../rules/workspace-files.ts'
import { Choice, Timestamp } from '../wire.ts'

export const fileKinds = ['file', 'directory', 'symlink', 'other'] as const

export const WorkspaceFile = Type.Object(
  {
    name: Type.String({ description: 'Last part of the path.' }),
    path: Type.String({ description: 'Absolute path.' }),
    kind: Choice(fileKinds),
    size: Type.Integer({ description: 'Bytes.' }),
    mode: Type.String({ description: 'Permissions in octal digits, such as `644`.' }),
    modified_at: Timestamp(),
  },
  { title: 'WorkspaceFile' },
)
export type WorkspaceFile = Static<typeof WorkspaceFile>

export const WorkspaceFilesResponse = Type.Object(
  {
    files: Type.Array(WorkspaceFile),
    has_more: Type.Boolean({ description: 'Whether the folder has more. Ask for those after the last name.' }),
  },
  { title: 'WorkspaceFilesResponse' },
)
export type WorkspaceFilesResponse = Static<typeof WorkspaceFilesResponse>

export const FileChange = Type.Object(
  { path: Type.String({ description: 'Absolute path.' }), kind: Choice(['changed', 'removed']) },
  { title: 'FileChange' },
)
export type FileChange = Static<typeof FileChange>

/** An event of a watch. */
export const FileChangesEvent = Type.Object(
  {
    changes: Type.Array(FileChange),
    missed: Type.Boolean({ description: 'Whether there were more changes than fit, so that the folder is best listed again.' }),
  },
  { title: 'FileChangesEvent' },
)
export type FileChangesEvent = Static<typeof FileChangesEvent>

export const MakeDirectoryRequest = Type.Object(
  {
    path: Type.String({ rules: ['required'], maxLength: maxPathLength }),
    parents: Type.Optional(Type.Boolean({ description: 'Also make the folders above, and accept a folder that exists. Default: false.' })),
  },
  { title: 'MakeDirectoryRequest', examples: [{ path: 'app/src', parents: true }] },
)
export type MakeDirectoryRequest = Static<typeof MakeDirectoryRequest>

export const RenameFileRequest = Type.Object(
  {
    from: Type.String({ rules: ['required'], maxLength: maxPathLength }),
    to: Type.String({ rules: ['required'], maxLength: maxPathLength }),
  },
  { title: 'RenameFileRequest', examples: [{ from: 'notes.txt', to: 'notes.old.txt' }] },
)
export type RenameFileRequest = Static<typeof RenameFileRequest>

const access = { resource: 'workspace_execution', action: 'create' } as const
/** Failures of every call that reaches an agent, and that names a path. */
const reaching = [
  'invalid_uuid',
  'agent_not_found',
  'agent_not_of_workspace',
  'not_found',
  'agent_not_connected',
  'agent_failed',
  'workspace_busy',
  'invalid_path',
  'path_not_found',
  'path_forbidden',
] as const
const path = Type.String({ maxLength: maxPathLength, description: "Path, relative to the agent's directory. `~/` is the home." })

export const workspaceFiles = {
  list: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/files',
    summary: 'List a folder of a workspace.',
    description: `Berth only. Sorted by name, at most ${listedFiles.max} entries in one answer.`,
    access,
    params: AgentParams,
    query: Type.Object({
      path,
      after: Type.Optional(Type.String({ maxLength: maxLineLength, description: 'Only names after this one.' })),
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: listedFiles.max, description: `Default: ${listedFiles.default}.` })),
    }),
    status: 200,
    response: WorkspaceFilesResponse,
    failures: [...reaching, 'invalid_query'],
  }),
  remove: endpoint({
    method: 'DELETE',
    path: '/workspaceagents/:workspaceagent/files',
    summary: 'Remove a file or a folder of a workspace.',
    description: 'Berth only. A folder that has something in it needs `recursive`.',
    access,
    params: AgentParams,
    query: Type.Object({ path, recursive: Type.Optional(Type.Boolean({ description: 'Also remove what is in a folder.' })) }),
    status: 204,
    failures: [...reaching, 'path_conflict', 'invalid_query'],
  }),
  stat: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/files/stat',
    summary: 'Describe a file or a folder of a workspace.',
    description: 'Berth only. A symbolic link is described itself, not what it leads to.',
    access,
    params: AgentParams,
    query: Type.Object({ path }),
    status: 200,
    response: WorkspaceFile,
    failures: [...reaching, 'invalid_query'],
  }),
  read: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/files/content',
    summary: 'Read a file of a workspace.',
    description: 'Berth only. Streams the bytes as fast as the client reads them. An answer that breaks off has no end.',
    access,
    params: AgentParams,
    query: Type.Object({
      path,
      offset: Type.Optional(Type.Integer({ minimum: 0, maximum: integerRange.maximum, description: 'Number of bytes to skip.' })),
      length: Type.Optional(
        Type.Integer({ minimum: 0, maximum: integerRange.maximum, description: 'Number of bytes to read. Default: to the end.' }),
      ),
    }),
    status: 200,
    delivery: 'bytes',
    responseType: 'application/octet-stream',
    failures: [...reaching, 'invalid_query'],
  }),
  write: endpoint({
    method: 'PUT',
    path: '/workspaceagents/:workspaceagent/files/content',
    summary: 'Write a file of a workspace.',
    description:
      'Berth only. Replaces the file once all bytes have arrived, so that a request that breaks off changes nothing. Keeps the permissions of a file that exists.',
    access,
    params: AgentParams,
    query: Type.Object({
      path,
      parents: Type.Optional(Type.Boolean({ description: 'Also make the folders above.' })),
      mode: Type.Optional(
        Type.String({
          maxLength: maxLineLength,
          description: 'Permissions in octal digits, such as `755`. Default for a new file: `644`.',
        }),
      ),
    }),
    bodyType: 'application/octet-stream',
    bodyDelivery: 'stream',
    status: 200,
    response: WorkspaceFile,
    failures: [...reaching, 'path_conflict', 'workspace_storage_full', 'invalid_content_type', 'invalid_query'],
  }),
  makeDirectory: endpoint({
    method: 'POST',
    path: '/workspaceagents/:workspaceagent/files/mkdir',
    summary: 'Make a folder in a workspace.',
    description: 'Berth only. Answers 409 if something is there already, unless `parents` is set and it is a folder.',
    access,
    params: AgentParams,
    body: MakeDirectoryRequest,
    status: 201,
    response: WorkspaceFile,
    failures: [...reaching, 'path_conflict', 'workspace_storage_full', 'invalid_json', 'validation_failed'],
  }),
  rename: endpoint({
    method: 'POST',
    path: '/workspaceagents/:workspaceagent/files/rename',
    summary: 'Rename or move a file or a folder of a workspace.',
    description: 'Berth only. A file at the new path is replaced.',
    access,
    params: AgentParams,
    body: RenameFileRequest,
    status: 200,
    response: WorkspaceFile,
    failures: [...reaching, 'path_conflict', 'workspace_storage_full', 'invalid_json', 'validation_failed'],
  }),
  watch: endpoint({
    method: 'GET',
    path: '/workspaceagents/:workspaceagent/files/watch',
    summary: 'Watch a file or a folder of a workspace.',
    description: `Berth only. Server-sent events with the paths that changed. Changes that come while the client is behind are put together, at most ${maxWatchedChanges} in one event.`,
    access,
    params: AgentParams,
    query: Type.Object({ path }),
    status: 200,
    response: FileChangesEvent,
    delivery: 'server_sent_events',
    failures: [...reaching, 'invalid_query'],
  }),
}
