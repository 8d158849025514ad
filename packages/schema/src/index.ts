/**
 * The wire contract of Berth: entities, endpoints, failures, settings and the template file.
 * Every export is public API.
 * @module
 */
export { api, type BerthApi } from './api.ts'
export { endpoint, pathParameters } from './endpoint.ts'
export type {
  Access,
  Action,
  Api,
  Delivery,
  EndpointGroup,
  EndpointSpec,
  ParameterNames,
  RequestOf,
  RequestPart,
  ResourceType,
  ResponseOf,
} from './endpoint.ts'
export { Failure, failures, type FailureCode, type FailureOptions, type Validation } from './failures.ts'
export { Nullable, Response, type ValidationRule } from './wire.ts'
export {
  AgentStats,
  AgentStatsResponse,
  DERPMap,
  DERPMapRegion,
  DERPNode,
  ListeningPortsResponse,
  PostWorkspaceAgentVersionRequest,
  PostWorkspaceAppHealthsRequest,
  WorkspaceAgentMetadata,
  agents,
} from './endpoints/agents.ts'
export { agentCallFailures, type AgentCall, type AgentCallFailure, type AgentCalls, type AgentOperation } from './agent-calls.ts'
export {
  ExecRequest,
  ExecResponse,
  ProcessesResponse,
  SignalProcessRequest,
  StartProcessRequest,
  WorkspaceProcess,
  processSignals,
  processes,
  type ProcessSignal,
} from './endpoints/processes.ts'
export {
  FileChange,
  FileChangesEvent,
  MakeDirectoryRequest,
  RenameFileRequest,
  WorkspaceFile,
  WorkspaceFilesResponse,
  fileKinds,
  workspaceFiles,
} from './endpoints/workspace-files.ts'
export {
  AuthorizationCheck,
  AuthorizationObject,
  AuthorizationRequest,
  AuthorizationResponse,
  authorization,
} from './endpoints/authorization.ts'
export {
  CreateWorkspaceBuildRequest,
  WorkspaceBuild,
  buildReasons,
  builds,
  workspaceStatuses,
  type WorkspaceStatus,
} from './endpoints/builds.ts'
export { WorkspaceAgentConnectionInfo, coordinator } from './endpoints/coordinator.ts'
export { CreateTemplateVersionDryRunRequest, dryRuns } from './endpoints/dry-runs.ts'
export { GetAppHostResponse, applications } from './endpoints/applications.ts'
export {
  AuditDiffField,
  AuditLog,
  AuditLogResponse,
  CreateTestAuditLogRequest,
  audit,
  auditActions,
  searchableResourceTypes,
  type AuditAction,
} from './endpoints/audit.ts'
export {
  BuildInfo,
  CspReportRequest,
  Entitlements,
  ServiceBanner,
  UpdateServiceBannerRequest,
  UpdateCheckResponse,
  deployment,
} from './endpoints/deployment.ts'
export { DeploymentConfig, type DeploymentConfigField } from './endpoints/deployment-config.ts'
export {
  deploymentSettings,
  settingSections,
  settings,
  type DeploymentSetting,
  type Setting,
  type SettingKey,
  type SettingRowAt,
} from './settings/deployment-settings.ts'
export { CreateGroupRequest, Group, PatchGroupRequest, groups } from './endpoints/groups.ts'
export { ListPortSharesResponse, PortShare, UpdatePortShareRequest, portShares } from './endpoints/port-shares.ts'
export { WorkspaceQuota, quotas } from './endpoints/quotas.ts'
export { UploadResponse, files, maxFileBytes } from './endpoints/files.ts'
export { WorkspaceAgentGitAuthResponse, gitAuth } from './endpoints/git-auth.ts'
export { AgentGitSSHKey, GitSSHKey, gitSshKeys } from './endpoints/git-ssh-keys.ts'
export { CreateOrganizationRequest, Organization, organizations } from './endpoints/organizations.ts'
export {
  ComputedParameter,
  CreateParameterRequest,
  CreateScopedParameterRequest,
  Parameter,
  ParameterSchema,
  parameterDestinationSchemes,
  maxParameterNameLength,
  parameterScopes,
  parameterSourceSchemes,
  parameters,
} from './endpoints/parameters.ts'
export {
  LogQuery,
  ProvisionerJob,
  ProvisionerJobLog,
  jobStatuses,
  logLevels,
  logSources,
  provisionerTypes,
  type JobStatus,
  type LogLevel,
  type ProvisionerType,
} from './endpoints/provisioner-jobs.ts'
export { ExternalSignInQuery, externalSignIn } from './endpoints/external-sign-in.ts'
export {
  AWSInstanceIdentityToken,
  AzureInstanceIdentityToken,
  GoogleInstanceIdentityToken,
  WorkspaceAgentAuthenticateResponse,
  instanceIdentity,
} from './endpoints/instance-identity.ts'
export { AssignableRole, OrganizationMember, roles } from './endpoints/roles.ts'
export {
  ApiKey,
  AuthMethods,
  CreateTokenRequest,
  GenerateApiKeyResponse,
  LoginWithPasswordRequest,
  LoginWithPasswordResponse,
  keyScopes,
  sessions,
} from './endpoints/sessions.ts'
export {
  TemplateAgent,
  TemplateApp,
  TemplateFile,
  TemplateParameter,
  defaultConnectionTimeoutSeconds,
  templateFileJsonSchema,
} from './template-file/template-file.ts'
export {
  KubernetesRuntimeBlock,
  kubernetesDefaults,
  reservedTemplateRuntimes,
  templateRuntimes,
  type TemplateRuntime,
} from './template-file/template-runtimes.ts'
export { CreateTemplateVersionRequest, TemplateVersion, templateVersions } from './endpoints/template-versions.ts'
export {
  CreateTemplateRequest,
  Template,
  TemplateACL,
  TemplateDAUsResponse,
  TemplateExample,
  UpdateActiveTemplateVersion,
  UpdateTemplateACL,
  UpdateTemplateMeta,
  templateRoles,
  templates,
  type TemplateRole,
} from './endpoints/templates.ts'
export {
  CreateFirstUserRequest,
  CreateFirstUserResponse,
  CreateUserRequest,
  GetUsersResponse,
  Role,
  UpdateRoles,
  UpdateUserPasswordRequest,
  UpdateUserProfileRequest,
  User,
  UserRoles,
  users,
} from './endpoints/users.ts'
export {
  WorkspaceAgent,
  WorkspaceApp,
  WorkspaceResource,
  agentStatuses,
  appHealths,
  sharingLevels,
  transitions,
  type AgentStatus,
  type AppHealth,
  type Transition,
} from './endpoints/workspace-resources.ts'
export {
  CreateWorkspaceRequest,
  PutExtendWorkspaceRequest,
  UpdateWorkspaceAutostartRequest,
  UpdateWorkspaceRequest,
  UpdateWorkspaceTTLRequest,
  Workspace,
  WorkspaceEvent,
  WorkspacesResponse,
  workspaces,
} from './endpoints/workspaces.ts'
