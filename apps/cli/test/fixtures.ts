/**
 * Objects of the API for stub servers.
 * @module
 */
import type { ParameterSchema, ProvisionerJob, Template, TemplateVersion, Workspace, WorkspaceAgent, WorkspaceBuild } from '@berth/schema'

const time = '2026-11-24T09:00:00Z'

/** Returns a UUID that is easy to recognize. */
export const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

export const job = (changes: Partial<ProvisionerJob> = {}): ProvisionerJob => ({
  id: id(1),
  created_at: time,
  started_at: time,
  completed_at: '2026-11-24T09:00:01.5Z',
  status: 'succeeded',
  file_id: id(2),
  tags: {},
  ...changes,
})

export const agent = (changes: Partial<WorkspaceAgent> = {}): WorkspaceAgent => ({
  id: id(30),
  created_at: time,
  updated_at: time,
  status: 'connected',
  name: 'main',
  resource_id: id(31),
  architecture: 'amd64',
  environment_variables: null,
  operating_system: 'linux',
  version: 'v0.1.0',
  apps: [],
  connection_timeout_seconds: 120,
  troubleshooting_url: '',
  ...changes,
})

export const build = (changes: Partial<WorkspaceBuild> = {}, agents: WorkspaceAgent[] = [agent()]): WorkspaceBuild => ({
  id: id(10),
  created_at: time,
  updated_at: time,
  workspace_id: id(11),
  workspace_name: 'dev',
  workspace_owner_id: id(12),
  workspace_owner_name: 'ada',
  template_version_id: id(13),
  template_version_name: 'first',
  build_number: 1,
  transition: 'start',
  initiator_id: id(12),
  initiator_name: 'ada',
  job: job(),
  reason: 'initiator',
  resources: [
    {
      id: id(31),
      created_at: time,
      job_id: id(1),
      workspace_transition: 'start',
      type: 'local',
      name: 'machine',
      hide: false,
      icon: '',
      agents,
      daily_cost: 0,
    },
  ],
  deadline: null,
  status: 'running',
  daily_cost: 0,
  ...changes,
})

export const workspace = (changes: Partial<Workspace> = {}): Workspace => ({
  id: id(11),
  created_at: time,
  updated_at: time,
  owner_id: id(12),
  owner_name: 'ada',
  template_id: id(14),
  template_name: 'local-starter',
  template_display_name: '',
  template_icon: '',
  template_allow_user_cancel_workspace_jobs: true,
  latest_build: build(),
  outdated: false,
  name: 'dev',
  last_used_at: time,
  ...changes,
})

export const template = (changes: Partial<Template> = {}): Template => ({
  id: id(14),
  created_at: time,
  updated_at: time,
  organization_id: id(15),
  name: 'local-starter',
  display_name: '',
  provisioner: 'berth',
  active_version_id: id(13),
  workspace_owner_count: 1,
  active_user_count: 1,
  build_time_stats: { delete: { P50: null, P95: null }, start: { P50: null, P95: null }, stop: { P50: null, P95: null } },
  description: '',
  icon: '',
  default_ttl_ms: 86_400_000,
  created_by_id: id(12),
  created_by_name: 'ada',
  allow_user_cancel_workspace_jobs: true,
  ...changes,
})

export const templateVersion = (changes: Partial<TemplateVersion> = {}): TemplateVersion => ({
  id: id(13),
  template_id: id(14),
  organization_id: id(15),
  created_at: time,
  updated_at: time,
  name: 'first',
  job: job(),
  readme: '',
  created_by: {
    id: id(12),
    username: 'ada',
    email: 'ada@example.com',
    created_at: time,
    last_seen_at: time,
    status: 'active',
    organization_ids: null,
    roles: [],
    avatar_url: '',
  },
  ...changes,
})

export const parameterSchema = (changes: Partial<ParameterSchema> = {}): ParameterSchema => ({
  id: id(40),
  created_at: time,
  job_id: id(1),
  name: 'region',
  description: 'Where it runs',
  default_source_scheme: 'none',
  default_source_value: '',
  allow_override_source: true,
  default_destination_scheme: 'provisioner_variable',
  allow_override_destination: false,
  default_refresh: '',
  redisplay_value: true,
  validation_error: '',
  validation_condition: '',
  validation_type_system: 'none',
  validation_value_type: '',
  ...changes,
})

export const log = (number: number, stage: string, output: string) => ({
  id: number,
  created_at: `2026-11-24T09:00:00.${String(number * 100).padStart(3, '0')}Z`,
  log_source: 'provisioner' as const,
  log_level: 'info' as const,
  stage,
  output,
})
