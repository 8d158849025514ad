-- When the autobuild loop has to look at a workspace again: the zero time means at its next tick, null means not before something changes. Finding out when a
-- schedule fires next takes its time zone, so the loop works it out once and keeps it here; a tick then reads only what is due.
alter table workspaces add column autobuild_due_at timestamptz default '0001-01-01T00:00:00Z';
create index workspaces_autobuild on workspaces (autobuild_due_at) where not deleted and latest_job_status in ('succeeded', 'canceled');

-- Whatever the time depends on has changed, so it has to be found out anew.
create function workspace_autobuild_unknown() returns trigger language plpgsql as $$
begin
  new.autobuild_due_at = '0001-01-01T00:00:00Z';
  return new;
end $$;
create trigger workspace_autobuild_unknown before update of autostart_schedule, ttl_ms, latest_build_id, latest_job_status on workspaces
  for each row when (
    (old.autostart_schedule, old.ttl_ms, old.latest_build_id, old.latest_job_status)
    is distinct from (new.autostart_schedule, new.ttl_ms, new.latest_build_id, new.latest_job_status))
  execute function workspace_autobuild_unknown();

-- A deadline that moves back needs nothing: the loop looks at the old time and finds the new one. Only one that comes nearer would be missed.
create function workspace_deadline_nearer() returns trigger language plpgsql as $$
begin
  update workspaces set autobuild_due_at = '0001-01-01T00:00:00Z' where latest_build_id = new.id;
  return null;
end $$;
create trigger workspace_deadline_nearer after update of deadline on workspace_builds
  for each row when (new.deadline < old.deadline) execute function workspace_deadline_nearer();
