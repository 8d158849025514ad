import type { Workspace, WorkspaceBuild } from '@berth/schema/shapes'
import type { CallOptions, DerivedClient } from './client.ts'
import type { StreamOptions } from './reconnect.ts'
import { buildEnded, workspaceReady } from './wait-for-workspace.ts'
import { createByTemplateName, type NewWorkspace } from './create-by-template-name.ts'
import { openWorkspace, withContents, type CreatedWorkspace, type OpenOptions, type OpenWorkspace } from './open-workspace.ts'

/**
 * A workspace: its ID, its `name` among the caller's own, `owner/name`, or a document that has its
 * ID.
 */
export type WorkspaceReference = string | Pick<Workspace, 'id'>

/** Options of a call that may wait for a build. */
export interface BuildOptions extends StreamOptions {
  /** Whether to resolve only when the build has ended. It rejects if the build fails. */
  readonly wait?: boolean | undefined
}

/** Shorter calls for workspaces, beside those of the contract. */
export interface WorkspaceCalls {
  /**
   * Gets a workspace by its ID, by its `name` among the caller's own, or by `owner/name`, in which
   * the owner `me` is the caller.
   */
  get(workspace: string, options?: CallOptions): Promise<Workspace>
  /**
   * Creates a workspace from the template of this name, in the caller's first organization unless
   * the request names another. Resolves once its first build is queued. What can be done in the
   * workspace waits until it is ready. After `await using` it is deleted when the block ends.
   *
   * @example
   * await using box = await client.workspaces.create({ template: 'local-starter', ttlMs: 600_000 })
   * const { stdout } = await box.exec(['uname', '-a'])
   */
  create(workspace: NewWorkspace, options?: CallOptions): Promise<CreatedWorkspace>
  /**
   * Opens a workspace: waits until it is ready, and returns what can be done in it. With `start`, a
   * workspace that is stopped is started first.
   *
   * @throws what {@link WorkspaceCalls.waitUntilReady} throws.
   */
  open(workspace: WorkspaceReference, options?: OpenOptions): Promise<OpenWorkspace>
  /**
   * Waits until a workspace runs and all of its agents are connected. Follows the workspace's
   * changes, and doesn't poll.
   *
   * @throws BuildError with the last lines of the log if the build fails; Error if the workspace
   *   isn't starting, or an agent doesn't connect within its time.
   */
  waitUntilReady(workspace: WorkspaceReference, options?: StreamOptions): Promise<Workspace>
  /** Queues a build that starts a workspace. */
  start(workspace: WorkspaceReference, options?: BuildOptions): Promise<WorkspaceBuild>
  /** Queues a build that stops a workspace. */
  stop(workspace: WorkspaceReference, options?: BuildOptions): Promise<WorkspaceBuild>
  /** Queues a build that deletes a workspace and everything in it. */
  delete(workspace: WorkspaceReference, options?: BuildOptions): Promise<WorkspaceBuild>
}

type DerivedCalls = DerivedClient['workspaces']

/** Returns the calls for workspaces, those of the contract and the shorter ones. */
export function workspaceCalls(client: DerivedClient): WorkspaceCalls & DerivedCalls {
  const { workspaces } = client
  const build = async (workspace: WorkspaceReference, transition: WorkspaceBuild['transition'], options: BuildOptions = {}) => {
    const id = await idOf(client, workspace, options)
    const queued = await client.builds.create({ params: { workspace: id }, body: { transition } }, options)
    return options.wait === true ? await buildEnded(client, queued, options) : queued
  }
  return {
    ...workspaces,
    get: async (request: string | OperationOf<'get'>, options?: CallOptions) =>
      typeof request === 'string' ? await getByReference(client, request, options) : await workspaces.get(request, options),
    create: createCall(client),
    open: async (workspace, options = {}) => {
      const id = await idOf(client, workspace, options)
      return await openWorkspace(client, await workspaces.get({ params: { workspace: id } }, options), options)
    },
    waitUntilReady: async (workspace, options = {}) => await workspaceReady(client, await idOf(client, workspace, options), options),
    start: async (workspace, options) => await build(workspace, 'start', options),
    stop: async (workspace, options) => await build(workspace, 'stop', options),
    delete: async (workspace, options) => await build(workspace, 'delete', options),
  }
}

/** The request of one of the contract's calls. */
type OperationOf<Name extends 'get' | 'create'> = Parameters<DerivedCalls[Name]>[0]

function createCall(client: DerivedClient): DerivedCalls['create'] & WorkspaceCalls['create'] {
  function create(request: OperationOf<'create'>, options?: CallOptions): Promise<Workspace>
  function create(request: NewWorkspace, options?: CallOptions): Promise<CreatedWorkspace>
  async function create(request: NewWorkspace | OperationOf<'create'>, options?: CallOptions): Promise<Workspace> {
    if ('params' in request) return await client.workspaces.create(request, options)
    return withContents(client, await createByTemplateName(client, request, options))
  }
  return create
}

const uuid = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i

async function getByReference({ workspaces }: DerivedClient, reference: string, options?: CallOptions): Promise<Workspace> {
  if (uuid.test(reference)) return await workspaces.get({ params: { workspace: reference } }, options)
  const [user, workspacename, ...more] = reference.includes('/') ? reference.split('/') : ['me', reference]
  if (!user || !workspacename || more.length > 0)
    throw new TypeError(`"${reference}" is not a workspace. Give an ID, a name, or owner/name.`)
  return await workspaces.getByOwnerAndName({ params: { user, workspacename } }, options)
}

async function idOf(client: DerivedClient, workspace: WorkspaceReference, options?: CallOptions): Promise<string> {
  if (typeof workspace !== 'string') return workspace.id
  return uuid.test(workspace) ? workspace : (await getByReference(client, workspace, options)).id
}
