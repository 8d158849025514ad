import type { TemplateFile, TemplateRuntime } from '@berth/schema'
import type { LogLevel, ProvisionMetadata } from '../../../driver.ts'
import type { Agent } from '../../../resources.ts'

/**
 * The runtime blocks of a template, with their references filled in. A template has exactly one.
 */
export type RuntimeBlocks = Pick<TemplateFile, TemplateRuntime>

/** A build, as a runtime sees it. */
export interface RuntimeRequest {
  readonly metadata: ProvisionMetadata
  /** The template's settings for its runtime. Empty if the template can no longer be read. */
  readonly blocks: RuntimeBlocks
  /** The state that the previous build of the workspace returned. Empty if there was none. */
  readonly state: Uint8Array
  readonly log: (level: LogLevel, output: string) => Promise<void>
  readonly signal: AbortSignal
}

/** A build that starts the workspace. */
export interface RuntimeStart extends RuntimeRequest {
  /** The agents to start. Each has a new token. */
  readonly agents: readonly Agent[]
}

/**
 * A place where the workspaces of native templates run. Every method can be called again after an
 * interrupted call and then ends with the same result. Expected failures are thrown as
 * `ProvisionError`.
 */
export interface Runtime {
  /** The resource type of a workspace. */
  readonly resourceType: string
  /** The platform of agents whose template names none, in the wire's terms: `linux`, `amd64`. */
  readonly machine: { readonly os: string; readonly arch: string }
  /**
   * Starts the workspace, or restarts it if it is running. Returns the state for the next build,
   * which names the runtime.
   */
  start(request: RuntimeStart): Promise<Uint8Array>
  /**
   * Ends everything that runs in the workspace and keeps its files. Returns the state for the next
   * build.
   */
  stop(request: RuntimeRequest): Promise<Uint8Array>
  /**
   * Ends everything and removes the files. Keeps the files if the state is empty, as it is in an
   * orphaning delete.
   */
  delete(request: RuntimeRequest): Promise<void>
}
