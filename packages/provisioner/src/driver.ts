import type { ParameterSchema, ParameterValue } from './parameters.ts'
import type { Resource } from './resources.ts'

/** The provisioner types on the wire. A template version names one of them. */
export type ProvisionerType = 'echo' | 'berth' | 'terraform'

/** The severity of a log line. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** What a build does to its workspace. */
export type WorkspaceTransition = 'start' | 'stop' | 'delete'

/** The workspace and its owner. In a template import all fields except the first two are empty. */
export interface ProvisionMetadata {
  /** The URL where agents reach the server. */
  readonly access_url: string
  readonly workspace_transition: WorkspaceTransition
  readonly workspace_name: string
  readonly workspace_id: string
  /** The owner's user name. */
  readonly workspace_owner: string
  readonly workspace_owner_id: string
  readonly workspace_owner_email: string
}

/** The part that all requests to a driver share. */
export interface DriverRequest {
  /** Holds the extracted template archive. Removed when the job ends. */
  readonly directory: string
  /**
   * Logs one line of output. The promise never rejects, and resolves when there is room for more.
   * Await it before the next line, so that a verbose tool is slowed down instead of filling memory.
   */
  readonly log: (level: LogLevel, output: string) => Promise<void>
  /** Aborted when the job should end early. Finish what must not be left half done, then throw. */
  readonly signal: AbortSignal
  /** Aborted when the job must end at once. Always later than {@link DriverRequest.signal}. */
  readonly forceSignal: AbortSignal
}

/** A request to read a template's parameters. */
export type ParseRequest = DriverRequest

/** A request to predict the result of a build without changing anything. */
export interface PlanRequest extends DriverRequest {
  readonly metadata: ProvisionMetadata
  readonly parameter_values: readonly ParameterValue[]
  /** The state that the previous build of the workspace returned. Empty if there was none. */
  readonly state: Uint8Array
}

/** A request to carry out a plan. */
export interface ApplyRequest extends PlanRequest {
  /** The bytes that the plan returned. Empty if it returned none. */
  readonly plan: Uint8Array
}

/** The parameters of a template, in the order in which they are asked for. */
export interface ParseResult {
  readonly parameter_schemas: readonly ParameterSchema[]
}

/** The predicted resources, and bytes for the apply that follows. */
export interface PlanResult {
  readonly resources: readonly Resource[]
  readonly plan?: Uint8Array
}

/** The resources of a workspace after a build, and bytes for its next build. */
export interface ApplyResult {
  readonly resources: readonly Resource[]
  readonly state: Uint8Array
}

/**
 * Turns a template into running resources. One driver runs many jobs at the same time.
 *
 * A driver reports an expected failure by throwing {@link ProvisionError}. Its message becomes the
 * job's error, unchanged. Any other error is shown with a prefix that names the step.
 */
export interface Driver {
  readonly type: ProvisionerType
  parse(request: ParseRequest): Promise<ParseResult>
  plan(request: PlanRequest): Promise<PlanResult>
  apply(request: ApplyRequest): Promise<ApplyResult>
  /** Releases what the driver itself holds. Workspaces keep running. */
  close?(): Promise<void>
}

/**
 * An expected failure. Its message becomes the job's error, without a prefix (Coder v2 API,
 * v0.13.4, "complete with error").
 */
export class ProvisionError extends Error {
  /**
   * The state of what exists despite the failure. Stored for the next build, so that nothing half
   * made is lost.
   */
  readonly state: Uint8Array | undefined

  constructor(message: string, options: { readonly state?: Uint8Array; readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'ProvisionError'
    this.state = options.state
  }
}
