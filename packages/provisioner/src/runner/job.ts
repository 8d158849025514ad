import type { LogLevel, ProvisionMetadata } from '../driver.ts'
import type { ParameterSchema, ParameterValue } from '../parameters.ts'
import type { Resource } from '../resources.ts'

interface JobBase {
  readonly id: string
  /** Which driver the job asks for. A name without a driver fails the job. */
  readonly provisioner: string
  /** The template as a plain tar file. */
  readonly archive: Uint8Array
  /** The user who asked for the job. */
  readonly user_name: string
}

/** Reads a new template version: its README, its parameters, and the resources it has when started and when stopped. */
export interface TemplateVersionImportJob extends JobBase {
  readonly type: 'template_version_import'
  readonly metadata: Pick<ProvisionMetadata, 'access_url'>
}

/** Says what a workspace with these values would get. */
export interface TemplateVersionDryRunJob extends JobBase {
  readonly type: 'template_version_dry_run'
  readonly parameter_values: readonly ParameterValue[]
  /** An empty address becomes `http://localhost:3000`, an empty name `dryrun`. */
  readonly metadata: Pick<ProvisionMetadata, 'access_url' | 'workspace_name'>
}

/** Starts, stops or deletes a workspace. */
export interface WorkspaceBuildJob extends JobBase {
  readonly type: 'workspace_build'
  readonly workspace_build_id: string
  readonly workspace_name: string
  readonly parameter_values: readonly ParameterValue[]
  readonly metadata: ProvisionMetadata
  /** What the previous build returned; empty when there was none. */
  readonly state: Uint8Array
}

/** A job as a worker gets it from the queue (Coder v2 API, v0.13.4, acquired job). */
export type Job = TemplateVersionImportJob | TemplateVersionDryRunJob | WorkspaceBuildJob

/** What a finished job hands back, by the type of the job. */
export type JobResult =
  | {
      readonly type: 'template_version_import'
      readonly start_resources: readonly Resource[]
      readonly stop_resources: readonly Resource[]
    }
  | { readonly type: 'template_version_dry_run'; readonly resources: readonly Resource[] }
  | { readonly type: 'workspace_build'; readonly resources: readonly Resource[]; readonly state: Uint8Array }

/** One line of a job's log. */
export interface JobLog {
  /** `provisioner_daemon` marks stages, `provisioner` is output of the driver. */
  readonly source: 'provisioner_daemon' | 'provisioner'
  readonly level: LogLevel
  /** Milliseconds since 1970. */
  readonly created_at: number
  readonly stage: string
  readonly output: string
}

/** What a worker says about a running job. All fields absent: a sign of life. */
export interface JobUpdate {
  readonly logs?: readonly JobLog[]
  /** The template's parameters in order, sent once, also when there are none. */
  readonly parameter_schemas?: readonly ParameterSchema[]
  /** At most 1 MiB of characters. */
  readonly readme?: string
}

/** The answer to an update. */
export interface JobUpdateReply {
  /** Someone asked for the job to be canceled. */
  readonly canceled: boolean
  /** The values computed for the schemas that were sent; absent where none were sent. */
  readonly parameter_values?: readonly Pick<ParameterValue, 'name' | 'value' | 'destination_scheme'>[]
}

/** The answer to a request for quota. */
export interface QuotaReply {
  readonly ok: boolean
  readonly credits_consumed: number
  /** -1 where there is no limit. */
  readonly budget: number
}

/**
 * The worker's line to the server: in process for the built-in daemons, over the network for others. It repeats by itself what failed for a
 * passing reason; when a call rejects all the same, the job is given up, because nobody is there to hear about it.
 */
export interface JobReporter {
  /** Throws {@link ReportRefused} when what was sent can't be stored. */
  update(update: JobUpdate): Promise<JobUpdateReply>
  commitQuota(dailyCost: number): Promise<QuotaReply>
  /** Throws {@link ReportRefused} when what was sent can't be stored. */
  complete(result: JobResult): Promise<void>
  fail(failure: { readonly error: string; readonly state?: Uint8Array }): Promise<void>
}

/** The server understood a report and won't have it, such as an agent token that is no UUID. The job fails with this text. */
export class ReportRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ReportRefused'
  }
}
