export { ArchiveError, defaultArchiveLimits, extractArchive, type ArchiveLimits } from './archive.ts'
export { wireArchitecture } from './architecture.ts'
export { bootstrapScript, type AgentArchitecture, type AgentPlace, type AgentSystem } from './bootstrap-script.ts'
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
export { createArchive, maxTemplateBytes } from './create-archive.ts'
export { createEchoDriver } from './drivers/echo.ts'
export { createNativeDriver, type NativeDriverOptions } from './drivers/native.ts'
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
export type { Runtime, RuntimeBlocks, RuntimeRequest, RuntimeStart } from './runtime.ts'
export { createKubernetesRuntime, type KubernetesRuntimeOptions } from './kubernetes/kubernetes-runtime.ts'
export { createLocalRuntime, type LocalRuntimeOptions } from './local/local-runtime.ts'
export type { SandboxSetting } from './local/sandbox-choice.ts'
export { defaultUidRange, type UidRange } from './local/uid-pool.ts'
export { starterTemplates, type StarterTemplate } from './starter-templates.ts'
export { readTemplate, type Template, type TemplateRuntime } from './template/read-template.ts'
export { TemplateError, type TemplateProblem } from './template/template-error.ts'
