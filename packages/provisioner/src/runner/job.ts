import type { LogLevel, ProvisionMetadata } from '../driver.ts'
import type { ParameterSchema, ParameterValue } from '../parameters.ts'
import type { Resource } from '../resources.ts'

interface JobBase {
  readonly id: string
  /** The type of the driver to use. The job fails if there is none of this type. */
  readonly provisioner: string
  /** The template as a plain tar file. */
  readonly archive: Uint8Array
  /** The user who started the job. */
  readonly user_name: string
}

/**
 * Imports a new template version: reads its README, its parameters, and its resources when started
 * and stopped.
 */
export interface TemplateVersionImportJob extends JobBase {
  readonly type: 'template_version_import'
  readonly metadata: Pick<ProvisionMetadata, 'access_url'>
}

/** Plans a workspace with the given values, without creating anything. */
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
  /** The state that the previous build returned. Empty if there was none. */
  readonly state: Uint8Array
}

/** A job that a worker took from the queue (Coder v2 API, v0.13.4, acquired job). */
export type Job = TemplateVersionImportJob | TemplateVersionDryRunJob | WorkspaceBuildJob

/** The result of a successful job. */
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
  /** `provisioner_daemon` for lines that mark stages, `provisioner` for the driver's output. */
  readonly source: 'provisioner_daemon' | 'provisioner'
  readonly level: LogLevel
  /** Milliseconds since 1970. */
  readonly created_at: number
  readonly stage: string
  readonly output: string
}

/** News of a running job. Without any field it is a heartbeat. */
export interface JobUpdate {
  readonly logs?: readonly JobLog[]
  /** The template's parameters in order. Sent once, even if there are none. */
  readonly parameter_schemas?: readonly ParameterSchema[]
  /** At most 1 048 576 characters. */
  readonly readme?: string
}

/** The answer to an update. */
export interface JobUpdateReply {
  /** Whether someone has canceled the job. */
  readonly canceled: boolean
  /** The values computed for the schemas of the update. Absent if it had none. */
  readonly parameter_values?: readonly Pick<ParameterValue, 'name' | 'value' | 'destination_scheme'>[]
}

/** The answer to a request for quota. */
export interface QuotaReply {
  readonly ok: boolean
  readonly credits_consumed: number
  /** -1 means unlimited. */
  readonly budget: number
}

/**
 * A worker's connection to the server: in-process for the built-in daemons, over the network for
 * others. Implementations retry temporary failures themselves. If a call rejects anyway, the job is
 * abandoned, because its end can't be reported.
 */
export interface JobReporter {
  /** Throws {@link ReportRefused} if the update can't be stored. */
  update(update: JobUpdate): Promise<JobUpdateReply>
  commitQuota(dailyCost: number): Promise<QuotaReply>
  /** Throws {@link ReportRefused} if the result can't be stored. */
  complete(result: JobResult): Promise<void>
  fail(failure: { readonly error: string; readonly state?: Uint8Array }): Promise<void>
}

/**
 * Thrown when the server refuses a report, for example because an agent token isn't a UUID. The
 * message becomes the job's error.
 */
export class ReportRefused extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'ReportRefused'
  }
}
