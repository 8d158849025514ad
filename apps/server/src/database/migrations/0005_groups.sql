-- Groups of people in an organization: templates are shared with them, and they grant credits for workspaces.
create table groups (
  id uuid primary key,
  organization_id uuid not null references organizations (id) on delete cascade,
  name text not null,
  avatar_url text not null default '',
  -- Credits that each member may use, on top of those of their other groups.
  quota_allowance integer not null default 0,
  created_at timestamptz not null
);
create unique index groups_name on groups (organization_id, lower(name));

create table group_members (
  group_id uuid not null references groups (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  primary key (group_id, user_id)
);
create index group_members_user on group_members (user_id);

-- The group with the ID of its organization is everybody in it: it has no members of its own.
create function organization_has_everyone() returns trigger language plpgsql as $$
begin
  insert into groups (id, organization_id, name, created_at) values (new.id, new.id, 'Everyone', new.created_at);
  return null;
end $$;
create trigger organization_has_everyone after insert on organizations for each row execute function organization_has_everyone();
insert into groups (id, organization_id, name, created_at) select id, id, 'Everyone', created_at from organizations;

-- The audit log is searched by person, by kind and by action; the second index is small, so that counting everything reads little.
create index audit_logs_user on audit_logs (user_id, time desc);
create index audit_logs_kind on audit_logs (resource_type, action);

-- What retention deletes is found without reading what stays.
create index provisioner_jobs_completed on provisioner_jobs (completed_at) where completed_at is not null;
