-- Times are timestamptz with microseconds; "never" is the zero time of the wire where the wire shows one, null elsewhere.

create type login_type as enum ('password', 'github', 'oidc', 'token');
create type user_status as enum ('active', 'suspended');
create type api_key_scope as enum ('all', 'application_connect');
create type provisioner_type as enum ('berth', 'echo', 'terraform');
create type provisioner_job_type as enum ('template_version_import', 'template_version_dry_run', 'workspace_build');
create type job_status as enum ('pending', 'running', 'succeeded', 'canceling', 'canceled', 'failed');
create type log_source as enum ('provisioner_daemon', 'provisioner');
create type log_level as enum ('trace', 'debug', 'info', 'warn', 'error');
create type workspace_transition as enum ('start', 'stop', 'delete');
create type build_reason as enum ('initiator', 'autostart', 'autostop');
create type parameter_scope as enum ('template', 'import_job', 'workspace');
create type parameter_source_scheme as enum ('none', 'data');
create type parameter_destination_scheme as enum ('none', 'environment_variable', 'provisioner_variable');
create type parameter_type_system as enum ('none', 'hcl');
create type app_sharing_level as enum ('owner', 'authenticated', 'public');
create type app_health as enum ('disabled', 'initializing', 'healthy', 'unhealthy');
create type audit_action as enum ('create', 'write', 'delete', 'start', 'stop');

create table users (
  id uuid primary key,
  email text not null,
  username text not null,
  -- Empty for users who sign in elsewhere.
  hashed_password text not null default '',
  created_at timestamptz not null,
  updated_at timestamptz not null,
  last_seen_at timestamptz not null default '0001-01-01T00:00:00Z',
  status user_status not null default 'active',
  rbac_roles text[] not null default '{}',
  login_type login_type not null default 'password',
  avatar_url text not null default '',
  deleted boolean not null default false
);
create unique index users_email on users (lower(email)) where not deleted;
create unique index users_username on users (lower(username)) where not deleted;
create index users_page on users (created_at, id) where not deleted;

create table api_keys (
  id text primary key,
  hashed_secret bytea not null,
  user_id uuid not null references users (id) on delete cascade,
  last_used timestamptz not null default '0001-01-01T00:00:00Z',
  expires_at timestamptz not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  login_type login_type not null,
  lifetime_seconds bigint not null,
  ip_address text not null default '',
  scope api_key_scope not null default 'all'
);
create index api_keys_user on api_keys (user_id);
create index api_keys_expiry on api_keys (expires_at);

create table organizations (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index organizations_name on organizations (lower(name));

create table organization_members (
  user_id uuid not null references users (id) on delete cascade,
  organization_id uuid not null references organizations (id) on delete cascade,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  roles text[] not null default '{}',
  primary key (user_id, organization_id)
);
create index organization_members_organization on organization_members (organization_id);

create table files (
  id uuid primary key,
  -- SHA-256 of data.
  hash bytea not null,
  created_at timestamptz not null,
  created_by uuid not null references users (id),
  mimetype text not null,
  data bytea not null,
  unique (hash, created_by)
);
-- Archives are compressed or tiny; trying to compress them again costs time on each upload.
alter table files alter column data set storage external;

create table provisioner_daemons (
  id uuid primary key,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  name text not null,
  provisioners provisioner_type[] not null,
  tags jsonb not null,
  -- The server that runs the daemon; it holds a session lock on this ID as long as it lives.
  replica_id uuid
);

create table provisioner_jobs (
  id uuid primary key,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  started_at timestamptz,
  canceled_at timestamptz,
  completed_at timestamptz,
  error text,
  organization_id uuid not null references organizations (id) on delete cascade,
  initiator_id uuid not null references users (id),
  provisioner provisioner_type not null,
  type provisioner_job_type not null,
  input jsonb not null default '{}',
  worker_id uuid references provisioner_daemons (id) on delete set null,
  file_id uuid not null references files (id),
  tags jsonb not null default '{"scope": "organization"}',
  -- Stated once, here: everything that shows, filters or waits for a status reads it (Coder v2 API, v0.13.4).
  status job_status not null generated always as (
    case
      when canceled_at is not null and completed_at is null then 'canceling'::job_status
      when canceled_at is not null and coalesce(error, '') = '' then 'canceled'::job_status
      when canceled_at is not null then 'failed'::job_status
      when started_at is null and completed_at is null then 'pending'::job_status
      when completed_at is null then 'running'::job_status
      when coalesce(error, '') = '' then 'succeeded'::job_status
      else 'failed'::job_status
    end
  ) stored
);
create index provisioner_jobs_queue on provisioner_jobs (created_at, id) where started_at is null and canceled_at is null and completed_at is null;
create index provisioner_jobs_active on provisioner_jobs (updated_at) where started_at is not null and completed_at is null;

create table provisioner_job_logs (
  id bigint generated always as identity primary key,
  job_id uuid not null references provisioner_jobs (id) on delete cascade,
  created_at timestamptz not null,
  source log_source not null,
  level log_level not null,
  stage text not null,
  output text not null
);
create index provisioner_job_logs_job on provisioner_job_logs (job_id, id);

create table templates (
  id uuid primary key,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  organization_id uuid not null references organizations (id) on delete cascade,
  deleted boolean not null default false,
  name text not null,
  display_name text not null default '',
  provisioner provisioner_type not null,
  active_version_id uuid not null,
  description text not null default '',
  icon text not null default '',
  default_ttl_ms bigint not null default 0,
  created_by uuid not null references users (id),
  allow_user_cancel_workspace_jobs boolean not null default false,
  -- User ID, or group ID, to the list of actions; the ID of the organization stands for all its members.
  user_acl jsonb not null default '{}',
  group_acl jsonb not null default '{}'
);
create unique index templates_name on templates (organization_id, lower(name)) where not deleted;

create table template_versions (
  id uuid primary key,
  template_id uuid references templates (id) on delete cascade,
  organization_id uuid not null references organizations (id) on delete cascade,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  name text not null,
  readme text not null default '',
  job_id uuid not null unique references provisioner_jobs (id),
  created_by uuid not null references users (id),
  unique (template_id, name)
);
create index template_versions_page on template_versions (template_id, created_at, id);
alter table templates add foreign key (active_version_id) references template_versions (id) deferrable initially deferred;

create table parameter_schemas (
  id uuid primary key,
  created_at timestamptz not null,
  job_id uuid not null references provisioner_jobs (id) on delete cascade,
  index integer not null,
  name text not null,
  description text not null,
  default_source_scheme parameter_source_scheme not null,
  default_source_value text not null,
  allow_override_source boolean not null,
  default_destination_scheme parameter_destination_scheme not null,
  allow_override_destination boolean not null,
  default_refresh text not null default '',
  redisplay_value boolean not null,
  validation_error text not null,
  validation_condition text not null,
  validation_type_system parameter_type_system not null,
  validation_value_type text not null,
  unique (job_id, name)
);

create table parameter_values (
  id uuid primary key,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  scope parameter_scope not null,
  scope_id uuid not null,
  name text not null,
  source_scheme parameter_source_scheme not null,
  source_value text not null,
  destination_scheme parameter_destination_scheme not null,
  unique (scope_id, name)
);

create table workspaces (
  id uuid primary key,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  owner_id uuid not null references users (id),
  organization_id uuid not null references organizations (id),
  template_id uuid not null references templates (id),
  deleted boolean not null default false,
  name text not null,
  autostart_schedule text,
  ttl_ms bigint,
  last_used_at timestamptz not null default '0001-01-01T00:00:00Z',
  -- What lists filter by, kept by the triggers below: deriving it for each row would scan every build.
  latest_build_id uuid,
  latest_build_number integer not null default 0,
  latest_build_transition workspace_transition,
  latest_job_id uuid,
  latest_job_status job_status
);
create unique index workspaces_name on workspaces (owner_id, lower(name)) where not deleted;
create index workspaces_page on workspaces (last_used_at desc, name, id) where not deleted;
create index workspaces_owner_page on workspaces (owner_id, last_used_at desc, name, id) where not deleted;
create index workspaces_organization_page on workspaces (organization_id, last_used_at desc, name, id) where not deleted;
create index workspaces_template on workspaces (template_id) where not deleted;
create index workspaces_latest_job on workspaces (latest_job_id);

create table workspace_builds (
  id uuid primary key,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  workspace_id uuid not null references workspaces (id) on delete cascade,
  template_version_id uuid not null references template_versions (id),
  build_number integer not null,
  transition workspace_transition not null,
  initiator_id uuid not null references users (id),
  provisioner_state bytea,
  job_id uuid not null unique references provisioner_jobs (id),
  deadline timestamptz not null default '0001-01-01T00:00:00Z',
  reason build_reason not null default 'initiator',
  daily_cost integer not null default 0,
  unique (workspace_id, build_number)
);
alter table workspaces add foreign key (latest_build_id) references workspace_builds (id) deferrable initially deferred;

create table workspace_resources (
  id uuid primary key,
  created_at timestamptz not null,
  job_id uuid not null references provisioner_jobs (id) on delete cascade,
  -- The order in which the provisioner reported them.
  ordinal integer not null,
  transition workspace_transition not null,
  type text not null,
  name text not null,
  hide boolean not null default false,
  icon text not null default '',
  instance_type text,
  daily_cost integer not null default 0
);
create index workspace_resources_job on workspace_resources (job_id, ordinal);

create table workspace_resource_metadata (
  id bigint generated always as identity primary key,
  workspace_resource_id uuid not null references workspace_resources (id) on delete cascade,
  key text not null,
  value text not null,
  sensitive boolean not null default false,
  unique (workspace_resource_id, key)
);

create table workspace_agents (
  id uuid primary key,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  resource_id uuid not null references workspace_resources (id) on delete cascade,
  ordinal integer not null,
  name text not null,
  first_connected_at timestamptz,
  last_connected_at timestamptz,
  disconnected_at timestamptz,
  -- SHA-256 of the token; the token itself is nowhere.
  hashed_auth_token bytea not null,
  auth_instance_id text,
  architecture text not null,
  operating_system text not null,
  environment_variables jsonb,
  startup_script text not null default '',
  directory text not null default '',
  version text not null default '',
  connection_timeout_seconds integer not null default 0,
  troubleshooting_url text not null default '',
  motd_file text not null default '',
  -- The server that holds the tunnel of the agent.
  connected_replica_id uuid
);
create index workspace_agents_resource on workspace_agents (resource_id, ordinal);
create index workspace_agents_token on workspace_agents (hashed_auth_token, created_at desc);
create index workspace_agents_instance on workspace_agents (auth_instance_id, created_at desc) where auth_instance_id is not null;

create table workspace_apps (
  id uuid primary key,
  created_at timestamptz not null,
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  slug text not null,
  display_name text not null,
  icon text not null default '',
  command text not null default '',
  url text not null default '',
  external boolean not null default false,
  subdomain boolean not null default false,
  sharing_level app_sharing_level not null default 'owner',
  healthcheck_url text not null default '',
  healthcheck_interval integer not null default 0,
  healthcheck_threshold integer not null default 0,
  health app_health not null default 'disabled',
  unique (agent_id, slug)
);

create table agent_stats (
  id uuid primary key,
  created_at timestamptz not null,
  user_id uuid not null,
  agent_id uuid not null,
  workspace_id uuid not null,
  template_id uuid not null,
  payload jsonb not null
);
create index agent_stats_created on agent_stats (created_at);

-- Who did what, when and from where. Written with each change; entries outlive what they speak of, so nothing is referenced.
create table audit_logs (
  id uuid primary key,
  time timestamptz not null,
  user_id uuid not null,
  organization_id uuid,
  ip text not null default '',
  user_agent text not null default '',
  resource_type text not null,
  resource_id uuid not null,
  resource_target text not null,
  resource_icon text not null default '',
  action audit_action not null,
  diff jsonb not null default '{}',
  status_code integer not null,
  additional_fields jsonb not null default '{}',
  request_id uuid not null
);
create index audit_logs_time on audit_logs (time desc, id);
create index audit_logs_resource on audit_logs (resource_id, time desc);

create function workspace_follows_build() returns trigger language plpgsql as $$
begin
  update workspaces
  set latest_build_id = new.id,
      latest_build_number = new.build_number,
      latest_build_transition = new.transition,
      latest_job_id = new.job_id,
      latest_job_status = (select status from provisioner_jobs where id = new.job_id)
  where id = new.workspace_id and latest_build_number < new.build_number;
  return null;
end $$;
create trigger workspace_follows_build after insert on workspace_builds for each row execute function workspace_follows_build();

create function workspace_follows_job() returns trigger language plpgsql as $$
begin
  update workspaces set latest_job_status = new.status where latest_job_id = new.id;
  return null;
end $$;
-- `update of` takes no generated column, so the columns that the status is made of are named.
create trigger workspace_follows_job after update of started_at, canceled_at, completed_at, error on provisioner_jobs
  for each row when (old.status is distinct from new.status) execute function workspace_follows_job();

-- A time as the wire spells it: RFC 3339 in UTC with trailing zeros trimmed. For JSON built in SQL; plain columns are spelled by the server's parser.
create function wire_time(instant timestamptz) returns text language sql stable parallel safe as $$
  select replace((instant at time zone 'UTC')::text, ' ', 'T') || 'Z'
$$;
