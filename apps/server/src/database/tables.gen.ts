// Generated from the migrations by apps/server/scripts/generate-tables.ts. Do not edit.

import type { ColumnType } from 'kysely'

/** A column with a default. */
export type Generated<Column> =
  Column extends ColumnType<infer Select, infer Insert, infer Update>
    ? ColumnType<Select, Insert | undefined, Update>
    : ColumnType<Column, Column | undefined, Column>

/** A column that only the database writes. */
export type Computed<Column> = ColumnType<Column, never, never>

/** Read as RFC 3339 text in UTC, with up to six fractional digits and no trailing zeros. */
export type Timestamp = ColumnType<string, string | Date, string | Date>

/** Read as the value, written as JSON text: the driver would write arrays as PostgreSQL arrays. */
export type Json = ColumnType<unknown, string, string>

/** Actions by the ID of a user or group; JSON as {@link Json}. */
export type AccessListJson = ColumnType<Readonly<Record<string, readonly string[]>>, string, string>

export type ApiKeyScope = 'all' | 'application_connect'

export type AppHealth = 'disabled' | 'initializing' | 'healthy' | 'unhealthy'

export type AppSharingLevel = 'owner' | 'authenticated' | 'public'

export type AuditAction = 'create' | 'write' | 'delete' | 'start' | 'stop'

export type BuildReason = 'initiator' | 'autostart' | 'autostop'

export type JobStatus = 'pending' | 'running' | 'succeeded' | 'canceling' | 'canceled' | 'failed'

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

export type LogSource = 'provisioner_daemon' | 'provisioner'

export type LoginType = 'password' | 'github' | 'oidc' | 'token'

export type ParameterDestinationScheme = 'none' | 'environment_variable' | 'provisioner_variable'

export type ParameterScope = 'template' | 'import_job' | 'workspace'

export type ParameterSourceScheme = 'none' | 'data'

export type ParameterTypeSystem = 'none' | 'hcl'

export type ProvisionerJobType = 'template_version_import' | 'template_version_dry_run' | 'workspace_build'

export type ProvisionerType = 'berth' | 'echo' | 'terraform'

export type UserStatus = 'active' | 'suspended'

export type WorkspaceTransition = 'start' | 'stop' | 'delete'

export interface AgentStatsTable {
  id: string
  created_at: Timestamp
  user_id: string
  agent_id: string
  workspace_id: string
  template_id: string
  payload: Json
}

export interface ApiKeysTable {
  id: string
  hashed_secret: Buffer
  user_id: string
  last_used: Generated<Timestamp>
  expires_at: Timestamp
  created_at: Timestamp
  updated_at: Timestamp
  login_type: LoginType
  lifetime_seconds: number
  ip_address: Generated<string>
  scope: Generated<ApiKeyScope>
}

export interface AppKeysTable {
  key_id: string
  session_key_id: string
  host: string
  handed_over_at: Timestamp | null
}

export interface AuditLogsTable {
  id: string
  time: Timestamp
  user_id: string
  organization_id: string | null
  ip: Generated<string>
  user_agent: Generated<string>
  resource_type: string
  resource_id: string
  resource_target: string
  resource_icon: Generated<string>
  action: AuditAction
  diff: Generated<Json>
  status_code: number
  additional_fields: Generated<Json>
  request_id: string
}

export interface AuditTotalsTable {
  day: string
  resource_type: string
  action: AuditAction
  bucket: number
  entries: number
}

export interface DeploymentValuesTable {
  key: string
  value: Buffer
}

export interface FilesTable {
  id: string
  hash: Buffer
  created_at: Timestamp
  created_by: string
  mimetype: string
  data: Buffer
}

export interface GitAuthLinksTable {
  provider_id: string
  user_id: string
  created_at: Timestamp
  updated_at: Timestamp
  sealed_access_token: Buffer
  sealed_refresh_token: Buffer
  expiry: Generated<Timestamp>
}

export interface GitsshkeysTable {
  user_id: string
  created_at: Timestamp
  updated_at: Timestamp
  public_key: string
  sealed_private_key: Buffer
}

export interface GroupMembersTable {
  group_id: string
  user_id: string
}

export interface GroupsTable {
  id: string
  organization_id: string
  name: string
  avatar_url: Generated<string>
  quota_allowance: Generated<number>
  created_at: Timestamp
}

export interface InstanceIdentityNoncesTable {
  hash: Buffer
  expires_at: Timestamp
}

export interface OrganizationMembersTable {
  user_id: string
  organization_id: string
  created_at: Timestamp
  updated_at: Timestamp
  roles: Generated<string[]>
}

export interface OrganizationsTable {
  id: string
  name: string
  created_at: Timestamp
  updated_at: Timestamp
}

export interface ParameterSchemasTable {
  id: string
  created_at: Timestamp
  job_id: string
  index: number
  name: string
  description: string
  default_source_scheme: ParameterSourceScheme
  default_source_value: string
  allow_override_source: boolean
  default_destination_scheme: ParameterDestinationScheme
  allow_override_destination: boolean
  default_refresh: Generated<string>
  redisplay_value: boolean
  validation_error: string
  validation_condition: string
  validation_type_system: ParameterTypeSystem
  validation_value_type: string
  mutable: Generated<boolean>
}

export interface ParameterValuesTable {
  id: string
  created_at: Timestamp
  updated_at: Timestamp
  scope: ParameterScope
  scope_id: string
  name: string
  source_scheme: ParameterSourceScheme
  source_value: string
  destination_scheme: ParameterDestinationScheme
  sealed_value: Buffer | null
}

export interface PortSharesTable {
  agent_id: string
  port: number
  sharing_level: AppSharingLevel
}

export interface ProvisionerDaemonsTable {
  id: string
  created_at: Timestamp
  updated_at: Timestamp
  name: string
  provisioners: ProvisionerType[]
  tags: Json
  replica_id: string | null
}

export interface ProvisionerJobLogsTable {
  id: Computed<number>
  job_id: string
  created_at: Timestamp
  source: LogSource
  level: LogLevel
  stage: string
  output: string
}

export interface ProvisionerJobsTable {
  id: string
  created_at: Timestamp
  updated_at: Timestamp
  started_at: Timestamp | null
  canceled_at: Timestamp | null
  completed_at: Timestamp | null
  error: string | null
  organization_id: string
  initiator_id: string
  provisioner: ProvisionerType
  type: ProvisionerJobType
  input: Generated<Json>
  worker_id: string | null
  file_id: string
  tags: Generated<Json>
  status: Computed<JobStatus>
}

export interface ReplicaBeatsTable {
  replica_id: string
  beat_at: Timestamp
}

export interface ReplicaRelaySecretTable {
  id: Generated<boolean>
  sealed_secret: Buffer
}

export interface ReplicasTable {
  id: string
  relay_url: string | null
  lock_number: number
  version: string
  started_at: Timestamp
  updated_at: Timestamp
}

export interface TemplateVersionsTable {
  id: string
  template_id: string | null
  organization_id: string
  created_at: Timestamp
  updated_at: Timestamp
  name: string
  readme: Generated<string>
  job_id: string
  created_by: string
}

export interface TemplatesTable {
  id: string
  created_at: Timestamp
  updated_at: Timestamp
  organization_id: string
  deleted: Generated<boolean>
  name: string
  display_name: Generated<string>
  provisioner: ProvisionerType
  active_version_id: string
  description: Generated<string>
  icon: Generated<string>
  default_ttl_ms: Generated<number>
  created_by: string
  allow_user_cancel_workspace_jobs: Generated<boolean>
  user_acl: Generated<AccessListJson>
  group_acl: Generated<AccessListJson>
}

export interface UserLinksTable {
  user_id: string
  login_type: LoginType
  linked_id: string
  created_at: Timestamp
  updated_at: Timestamp
  sealed_access_token: Buffer
  sealed_refresh_token: Buffer | null
  expires_at: Timestamp | null
}

export interface UsersTable {
  id: string
  email: string
  username: string
  hashed_password: Generated<string>
  created_at: Timestamp
  updated_at: Timestamp
  last_seen_at: Generated<Timestamp>
  status: Generated<UserStatus>
  rbac_roles: Generated<string[]>
  login_type: Generated<LoginType>
  avatar_url: Generated<string>
  deleted: Generated<boolean>
}

export interface WorkspaceAgentsTable {
  id: string
  created_at: Timestamp
  updated_at: Timestamp
  resource_id: string
  ordinal: number
  name: string
  first_connected_at: Timestamp | null
  last_connected_at: Timestamp | null
  disconnected_at: Timestamp | null
  hashed_auth_token: Buffer
  auth_instance_id: string | null
  architecture: string
  operating_system: string
  environment_variables: Json | null
  startup_script: Generated<string>
  directory: Generated<string>
  version: Generated<string>
  connection_timeout_seconds: Generated<number>
  troubleshooting_url: Generated<string>
  motd_file: Generated<string>
  connected_replica_id: string | null
  sealed_auth_token: Buffer | null
  sealed_values: Buffer | null
  hides_secrets: Generated<boolean>
  connects_by: string | null
}

export interface WorkspaceAppsTable {
  id: string
  created_at: Timestamp
  agent_id: string
  slug: string
  display_name: string
  icon: Generated<string>
  command: Generated<string>
  url: Generated<string>
  external: Generated<boolean>
  subdomain: Generated<boolean>
  sharing_level: Generated<AppSharingLevel>
  healthcheck_url: Generated<string>
  healthcheck_interval: Generated<number>
  healthcheck_threshold: Generated<number>
  health: Generated<AppHealth>
}

export interface WorkspaceBuildsTable {
  id: string
  created_at: Timestamp
  updated_at: Timestamp
  workspace_id: string
  template_version_id: string
  build_number: number
  transition: WorkspaceTransition
  initiator_id: string
  provisioner_state: Buffer | null
  job_id: string
  deadline: Generated<Timestamp>
  reason: Generated<BuildReason>
  daily_cost: Generated<number>
}

export interface WorkspaceCountsTable {
  organization_id: string
  bucket: number
  living: number
}

export interface WorkspaceResourceMetadataTable {
  id: Computed<number>
  workspace_resource_id: string
  key: string
  value: string
  sensitive: Generated<boolean>
}

export interface WorkspaceResourcesTable {
  id: string
  created_at: Timestamp
  job_id: string
  ordinal: number
  transition: WorkspaceTransition
  type: string
  name: string
  hide: Generated<boolean>
  icon: Generated<string>
  instance_type: string | null
  daily_cost: Generated<number>
}

export interface WorkspacesTable {
  id: string
  created_at: Timestamp
  updated_at: Timestamp
  owner_id: string
  organization_id: string
  template_id: string
  deleted: Generated<boolean>
  name: string
  autostart_schedule: string | null
  ttl_ms: number | null
  last_used_at: Generated<Timestamp>
  latest_build_id: string | null
  latest_build_number: Generated<number>
  latest_build_transition: WorkspaceTransition | null
  latest_job_id: string | null
  latest_job_status: JobStatus | null
  autobuild_due_at: Generated<Timestamp | null>
}

/** Every table by name. */
export interface Tables {
  agent_stats: AgentStatsTable
  api_keys: ApiKeysTable
  app_keys: AppKeysTable
  audit_logs: AuditLogsTable
  audit_totals: AuditTotalsTable
  deployment_values: DeploymentValuesTable
  files: FilesTable
  git_auth_links: GitAuthLinksTable
  gitsshkeys: GitsshkeysTable
  group_members: GroupMembersTable
  groups: GroupsTable
  instance_identity_nonces: InstanceIdentityNoncesTable
  organization_members: OrganizationMembersTable
  organizations: OrganizationsTable
  parameter_schemas: ParameterSchemasTable
  parameter_values: ParameterValuesTable
  port_shares: PortSharesTable
  provisioner_daemons: ProvisionerDaemonsTable
  provisioner_job_logs: ProvisionerJobLogsTable
  provisioner_jobs: ProvisionerJobsTable
  replica_beats: ReplicaBeatsTable
  replica_relay_secret: ReplicaRelaySecretTable
  replicas: ReplicasTable
  template_versions: TemplateVersionsTable
  templates: TemplatesTable
  user_links: UserLinksTable
  users: UsersTable
  workspace_agents: WorkspaceAgentsTable
  workspace_apps: WorkspaceAppsTable
  workspace_builds: WorkspaceBuildsTable
  workspace_counts: WorkspaceCountsTable
  workspace_resource_metadata: WorkspaceResourceMetadataTable
  workspace_resources: WorkspaceResourcesTable
  workspaces: WorkspacesTable
}
