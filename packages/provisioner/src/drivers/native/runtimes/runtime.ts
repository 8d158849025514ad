import type { TemplateFile } from '@berth/schema'
import type { LogLevel, ProvisionMetadata } from '../../../driver.ts'
import type { Agent } from '../../../resources.ts'
import type { TemplateRuntime } from '../template/read-template.ts'

/** The runtime blocks of a template, with their references filled in. A template has exactly one. */
export type RuntimeBlocks = Pick<TemplateFile, TemplateRuntime>

/** What a runtime is told about a build. */
export interface RuntimeRequest {
  readonly metadata: ProvisionMetadata
  /** What the template says of its runtime. Empty where the template can't be read any more. */
  readonly blocks: RuntimeBlocks
  /** What the previous build of the workspace left; empty when there was none. */
  readonly state: Uint8Array
  readonly log: (level: LogLevel, output: string) => Promise<void>
  readonly signal: AbortSignal
}

/** What a runtime is told about a start. */
export interface RuntimeStart extends RuntimeRequest {
  /** Each has a token of its own, fresh with this build. */
  readonly agents: readonly Agent[]
}

/**
 * Where the workspaces of native templates live. Every method may be called again after it was cut off half-way, and ends in the same
 * place. Expected failures are
 * thrown as `ProvisionError`.
 */
export interface Runtime {
  /** What the type of the workspace's resource is called. */
  readonly resourceType: string
  /** What agents run on where a template doesn't say, in the words of the wire: `linux`, `amd64`. */
  readonly machine: { readonly os: string; readonly arch: string }
  /** Brings the workspace up; one that runs already is restarted. Returns the state for the next build, which names the runtime. */
  start(request: RuntimeStart): Promise<Uint8Array>
  /** Ends everything that runs in the workspace and keeps its files. Returns the state for the next build. */
  stop(request: RuntimeRequest): Promise<Uint8Array>
  /** Ends everything and removes the files. With an empty state, as an orphaning delete has it, the files are kept. */
  delete(request: RuntimeRequest): Promise<void>
}
