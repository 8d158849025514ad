-- How many living workspaces there are, so that a page needs not count them. Owners share buckets: the rows to sum stay few however many people there are,
-- and those who create workspaces at the same moment seldom wait for each other. What a person owns is counted by the index of owners.
create table workspace_counts (
  organization_id uuid not null,
  bucket smallint not null,
  living bigint not null,
  primary key (organization_id, bucket)
) with (fillfactor = 50);

create function workspace_count_bucket(owner_id uuid) returns smallint language sql immutable parallel safe as $$
  select (get_byte(uuid_send(owner_id), 15) % 64)::smallint
$$;

-- Buckets are locked in the order of their keys, so that nobody waits in a circle.
create function workspaces_counted_in() returns trigger language plpgsql as $$
begin
  insert into workspace_counts as counts (organization_id, bucket, living)
  select organization_id, workspace_count_bucket(owner_id), count(*) from changed where not deleted group by 1, 2 order by 1, 2
  on conflict (organization_id, bucket) do update set living = counts.living + excluded.living;
  return null;
end $$;
create function workspaces_counted_out() returns trigger language plpgsql as $$
begin
  insert into workspace_counts as counts (organization_id, bucket, living)
  select organization_id, workspace_count_bucket(owner_id), -count(*) from changed where not deleted group by 1, 2 order by 1, 2
  on conflict (organization_id, bucket) do update set living = counts.living + excluded.living;
  return null;
end $$;
create trigger workspaces_counted_in after insert on workspaces
  referencing new table as changed for each statement execute function workspaces_counted_in();
create trigger workspaces_counted_out after delete on workspaces
  referencing old table as changed for each statement execute function workspaces_counted_out();

-- By row, because most updates are of other columns and need to cost nothing.
create function workspace_recounted() returns trigger language plpgsql as $$
begin
  insert into workspace_counts as counts (organization_id, bucket, living)
  select organization_id, bucket, sum(change) from (values
    (old.organization_id, workspace_count_bucket(old.owner_id), case when old.deleted then 0 else -1 end),
    (new.organization_id, workspace_count_bucket(new.owner_id), case when new.deleted then 0 else 1 end)) row (organization_id, bucket, change)
  group by 1, 2 having sum(change) <> 0 order by 1, 2
  on conflict (organization_id, bucket) do update set living = counts.living + excluded.living;
  return null;
end $$;
create trigger workspace_recounted after update of deleted, owner_id, organization_id on workspaces
  for each row when ((old.deleted, old.owner_id, old.organization_id) is distinct from (new.deleted, new.owner_id, new.organization_id))
  execute function workspace_recounted();

-- Nobody changes workspaces between this and the triggers: they lock the table until the migration is done.
insert into workspace_counts (organization_id, bucket, living)
select organization_id, workspace_count_bucket(owner_id), count(*) from workspaces where not deleted group by 1, 2;

-- Rare states are found without looking at all workspaces.
create index workspaces_status_page on workspaces (latest_job_status, latest_build_transition, last_used_at desc, name, id) where not deleted;
