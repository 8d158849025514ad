export { ArchiveError, defaultArchiveLimits, extractArchive, type ArchiveLimits } from './archive/extract-archive.ts'
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
export { createArchive, maxTemplateBytes } from './archive/create-archive.ts'
export { createEchoDriver } from './drivers/echo/echo-driver.ts'
export { createNativeDriver, type NativeDriverOptions } from './drivers/native/native-driver.ts'
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
} from './runner/job.ts'
export type { Clock } from './runner/job-session.ts'
export type { DestinationScheme, ParameterSchema, ParameterValue } from './parameters.ts'
export type { Agent, App, AppHealthcheck, AppSharingLevel, Resource, ResourceMetadata } from './resources.ts'
export { runJob, type RunJobOptions } from './runner/run-job.ts'
export type { Runtime, RuntimeBlocks, RuntimeRequest, RuntimeStart } from './drivers/native/runtimes/runtime.ts'
export { createKubernetesRuntime, type KubernetesRuntimeOptions } from './drivers/native/runtimes/kubernetes/kubernetes-runtime.ts'
export type { WorkspaceLimits } from './drivers/native/runtimes/local/confined-program.ts'
export { createLocalRuntime, type LocalRuntimeOptions } from './drivers/native/runtimes/local/local-runtime.ts'
export { findNetworkFault, type NetworkSetting } from './drivers/native/runtimes/local/network.ts'
export { findSandboxFault, type SandboxSetting } from './drivers/native/runtimes/local/sandbox-choice.ts'
export { defaultUidRange, type UidRange } from './drivers/native/runtimes/local/uid-pool.ts'
export { starterTemplates, type StarterTemplate } from './drivers/native/starter-templates.ts'
export { readTemplate, type Template } from './drivers/native/template/read-template.ts'
export { TemplateError, type TemplateProblem } from './drivers/native/template/template-error.ts'
