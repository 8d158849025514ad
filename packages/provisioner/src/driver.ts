import type { ParameterSchema, ParameterValue } from './parameters.ts'
import type { Resource } from './resources.ts'

/** The provisioners a template version can ask for by name on the wire. */
export type ProvisionerType = 'echo' | 'berth' | 'terraform'

/** How urgent a line of output is. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** What a build does to its workspace. */
export type WorkspaceTransition = 'start' | 'stop' | 'delete'

/** What a driver may know about the workspace and its owner. In a template import every field but the first two is empty. */
export interface ProvisionMetadata {
  /** Where agents reach the server. */
  readonly access_url: string
  readonly workspace_transition: WorkspaceTransition
  readonly workspace_name: string
  readonly workspace_id: string
  /** The owner's user name. */
  readonly workspace_owner: string
  readonly workspace_owner_id: string
  readonly workspace_owner_email: string
}

/** What every call to a driver carries. */
export interface DriverRequest {
  /** The extracted template archive. It is removed when the job is over. */
  readonly directory: string
  /**
   * Writes one line of output. The promise never rejects and settles when there is room for more: await it before producing the next
   * line, so that a talkative tool is slowed down instead of filling the memory.
   */
  readonly log: (level: LogLevel, output: string) => Promise<void>
  /** Aborted when the job should end early and gracefully: finish what must not be left half done, then throw. */
  readonly signal: AbortSignal
  /** Aborted when nobody waits any longer: end at once. Always after {@link DriverRequest.signal}. */
  readonly forceSignal: AbortSignal
}

/** A request to read a template's parameters. */
export type ParseRequest = DriverRequest

/** A request to say what a build would bring about, changing nothing. */
export interface PlanRequest extends DriverRequest {
  readonly metadata: ProvisionMetadata
  readonly parameter_values: readonly ParameterValue[]
  /** What the previous build of the workspace returned; empty when there was none. */
  readonly state: Uint8Array
}

/** A request to bring about what was planned. */
export interface ApplyRequest extends PlanRequest {
  /** What the plan returned; empty when it returned none. */
  readonly plan: Uint8Array
}

/** The parameters of a template, in the order they are asked for. */
export interface ParseResult {
  readonly parameter_schemas: readonly ParameterSchema[]
}

/** What a build would bring about, and bytes for the apply that follows. */
export interface PlanResult {
  readonly resources: readonly Resource[]
  readonly plan?: Uint8Array
}

/** What a build brought about, and bytes for the next build of the same workspace. */
export interface ApplyResult {
  readonly resources: readonly Resource[]
  readonly state: Uint8Array
}

/**
 * Turns a template into running resources. One driver serves many jobs at the same time.
 *
 * A driver reports an expected failure by throwing {@link ProvisionError}, whose text becomes the job's error as it stands. Any other error
 * is
 * shown with a prefix that names the step.
 */
export interface Driver {
  readonly type: ProvisionerType
  parse(request: ParseRequest): Promise<ParseResult>
  plan(request: PlanRequest): Promise<PlanResult>
  apply(request: ApplyRequest): Promise<ApplyResult>
  /** Gives up what the driver itself holds. Workspaces keep running. */
  close?(): Promise<void>
}

/** A failure the provisioner reports: its text is the error of the job, without a prefix (Coder v2 API, v0.13.4, "complete with error"). */
export class ProvisionError extends Error {
  /** What is there after all; stored for the next build so that nothing half-made is lost. */
  readonly state: Uint8Array | undefined

  constructor(message: string, options: { readonly state?: Uint8Array; readonly cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined)
    this.name = 'ProvisionError'
    this.state = options.state
  }
}
