export { ArchiveError, defaultArchiveLimits, extractArchive, type ArchiveLimits } from './archive.ts'
export {
  ProvisionError,
  type ApplyRequest,
  type ApplyResult,
  type Driver,
  type DriverRequest,
  type LogLevel,
  type ParseRequest,
  type ParseResult,
  type PlanRequest,
  type PlanResult,
  type ProvisionerType,
  type ProvisionMetadata,
  type WorkspaceTransition,
} from './driver.ts'
export { createEchoDriver } from './drivers/echo.ts'
export {
  ReportRefused,
  type Job,
  type JobLog,
  type JobReporter,
  type JobResult,
  type JobUpdate,
  type JobUpdateReply,
  type QuotaReply,
  type TemplateVersionDryRunJob,
  type TemplateVersionImportJob,
  type WorkspaceBuildJob,
} from './job.ts'
export type { Clock } from './job-session.ts'
export type { DestinationScheme, ParameterSchema, ParameterValue } from './parameters.ts'
export type { Agent, App, AppHealthcheck, AppSharingLevel, Resource, ResourceMetadata } from './resources.ts'
export { runJob, type RunJobOptions } from './run-job.ts'
