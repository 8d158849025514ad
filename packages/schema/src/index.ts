/**
 * The wire contract of Berth: entities, endpoints, failures and the pure rules about wire values.
 * Every export here is public API.
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
} from './agents.ts'
export { AuthorizationCheck, AuthorizationObject, AuthorizationRequest, AuthorizationResponse, authorization } from './authorization.ts'
export { CreateWorkspaceBuildRequest, WorkspaceBuild, buildReasons, builds, workspaceStatuses, type WorkspaceStatus } from './builds.ts'
export { WorkspaceAgentConnectionInfo, coordinator } from './coordinator.ts'
export { CreateTemplateVersionDryRunRequest, dryRuns } from './dry-runs.ts'
export { GetAppHostResponse, applications } from './applications.ts'
export {
  AuditDiffField,
  AuditLog,
  AuditLogResponse,
  CreateTestAuditLogRequest,
  audit,
  auditActions,
  searchableResourceTypes,
  type AuditAction,
} from './audit.ts'
export {
  BuildInfo,
  CspReportRequest,
  Entitlements,
  ServiceBanner,
  UpdateServiceBannerRequest,
  UpdateCheckResponse,
  deployment,
  entitledFeatures,
} from './deployment.ts'
export { DeploymentConfig, type DeploymentConfigField } from './deployment-config.ts'
export {
  deploymentSettings,
  settingSections,
  settings,
  type DeploymentSetting,
  type Setting,
  type SettingKey,
  type SettingRowAt,
} from './deployment-settings.ts'
export { CreateGroupRequest, Group, PatchGroupRequest, groups } from './groups.ts'
export { WorkspaceQuota, quotas } from './quotas.ts'
export { UploadResponse, files, maxFileBytes } from './files.ts'
export { WorkspaceAgentGitAuthResponse, gitAuth } from './git-auth.ts'
export { AgentGitSSHKey, GitSSHKey, gitSshKeys } from './git-ssh-keys.ts'
export { CreateOrganizationRequest, Organization, organizations } from './organizations.ts'
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
} from './parameters.ts'
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
} from './provisioner-jobs.ts'
export { ExternalSignInQuery, externalSignIn } from './external-sign-in.ts'
export {
  AWSInstanceIdentityToken,
  AzureInstanceIdentityToken,
  GoogleInstanceIdentityToken,
  WorkspaceAgentAuthenticateResponse,
  instanceIdentity,
} from './instance-identity.ts'
export { AssignableRole, OrganizationMember, roles } from './roles.ts'
export {
  ApiKey,
  AuthMethods,
  CreateTokenRequest,
  GenerateApiKeyResponse,
  LoginWithPasswordRequest,
  LoginWithPasswordResponse,
  keyScopes,
  sessions,
} from './sessions.ts'
export { TemplateAgent, TemplateApp, TemplateFile, TemplateParameter, templateFileJsonSchema } from './template-file.ts'
export { KubernetesRuntimeBlock, reservedTemplateRuntimes, templateRuntimes, type TemplateRuntime } from './template-runtimes.ts'
export { CreateTemplateVersionRequest, TemplateVersion, templateVersions } from './template-versions.ts'
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
} from './templates.ts'
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
} from './users.ts'
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
} from './workspace-resources.ts'
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
} from './workspaces.ts'
