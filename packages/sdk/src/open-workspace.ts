/// <reference lib="esnext.disposable" preserve="true" />
import type { Workspace } from '@berth/schema/shapes'
import { ApiError } from './api-error.ts'
import type { DerivedClient } from './client.ts'
import type { StreamOptions } from './reconnect.ts'
import { buildEnded, workspaceReady } from './wait-for-workspace.ts'
import { contentsOf, type WorkspaceContents } from './workspace-contents.ts'
import { placeIn, type WorkspacePlace } from './workspace-place.ts'

/** How to open a workspace. */
export interface OpenOptions extends StreamOptions {
  /** Whether to start a workspace that is stopped, or whose last build failed. Default: false. */
  readonly start?: boolean | undefined
  /** The name of the agent. Default: the only one. */
  readonly agent?: string | undefined
}

/** A workspace that runs, and what can be done in it. */
export interface OpenWorkspace extends WorkspaceContents, WorkspacePlace {}

/** A new workspace: its document, and what can be done in it, which waits until it is ready. */
export type CreatedWorkspace = Workspace & WorkspaceContents & AsyncDisposable

/** Waits until a workspace is ready, after starting it if need be. */
export async function openWorkspace(client: DerivedClient, found: Workspace, options: OpenOptions): Promise<OpenWorkspace> {
  if (options.start === true) await startUnlessStarted(client, found, options)
  const place = placeIn(await workspaceReady(client, found.id, options), options.agent)
  return { ...place, ...contentsOf(client, async () => await Promise.resolve(place)) }
}

async function startUnlessStarted(client: DerivedClient, { id, latest_build: build }: Workspace, options: StreamOptions): Promise<void> {
  const hasEnded = build.job.completed_at !== undefined
  if (build.transition === 'start' && (!hasEnded || build.job.status === 'succeeded')) return
  if (build.transition === 'delete' && !hasEnded) return
  if (!hasEnded) await buildEnded(client, build, options)
  await client.builds.create({ params: { workspace: id }, body: { transition: 'start' } }, options)
}

/**
 * Adds to a new workspace what can be done in it, and that it is deleted at the end of an `await
 * using` block. What is added isn't part of the document when it is printed or copied.
 */
export function withContents(client: DerivedClient, workspace: Workspace): CreatedWorkspace {
  let ready: Promise<WorkspacePlace> | undefined
  const place = async (): Promise<WorkspacePlace> => {
    ready ??= workspaceReady(client, workspace.id, {}).then((found) => placeIn(found, undefined))
    return await ready
  }
  const added = { ...contentsOf(client, place), [Symbol.asyncDispose]: async () => await deleteWorkspace(client, workspace.id) }
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(added)).map(([key, descriptor]) => [
    key,
    { ...descriptor, enumerable: false },
  ])
  const created = Object.defineProperties({ ...workspace }, Object.fromEntries(descriptors) as PropertyDescriptorMap)
  Object.defineProperty(created, Symbol.asyncDispose, { value: added[Symbol.asyncDispose] })
  // The properties have just been defined.
  return created as CreatedWorkspace
}

/** Deletes a workspace whatever state it is in, and waits until it is gone. */
async function deleteWorkspace(client: DerivedClient, id: string): Promise<void> {
  try {
    const { latest_build: build } = await client.workspaces.get({ params: { workspace: id } })
    // A build can't be queued while another is active. Whether that one succeeds doesn't matter.
    if (build.job.completed_at === undefined) await buildEnded(client, build, {}).catch(() => undefined)
    const queued = await client.builds.create({ params: { workspace: id }, body: { transition: 'delete' } })
    await buildEnded(client, queued, {})
  } catch (error) {
    if (!ApiError.is(error, 404) && !ApiError.is(error, 410)) throw error
  }
}
