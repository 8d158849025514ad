-- How many entries the audit log has of each day and kind, so that a page needs not count them. What is searched for by person or resource is counted by index.
-- Connections share buckets, so that those who write entries at the same moment seldom wait for each other.
create table audit_totals (
  -- In UTC.
  day date not null,
  resource_type text not null,
  action audit_action not null,
  bucket smallint not null,
  entries bigint not null,
  primary key (day, resource_type, action, bucket)
) with (fillfactor = 50);

-- A transaction writes to one bucket alone and has it to itself, so nobody waits in a circle.
create function take_audit_bucket() returns smallint language plpgsql as $$
declare bucket smallint := pg_backend_pid() % 8;
begin
  perform pg_advisory_xact_lock(hashtext('berth: audit totals'), bucket);
  return bucket;
end $$;

create function audit_entry_counted() returns trigger language plpgsql as $$
begin
  insert into audit_totals as totals (day, resource_type, action, bucket, entries)
  values ((new.time at time zone 'UTC')::date, new.resource_type, new.action, take_audit_bucket(), 1)
  on conflict (day, resource_type, action, bucket) do update set entries = totals.entries + 1;
  return null;
end $$;
create function audit_entries_deleted() returns trigger language plpgsql as $$
declare own smallint := take_audit_bucket();
begin
  insert into audit_totals as totals (day, resource_type, action, bucket, entries)
  select (time at time zone 'UTC')::date, resource_type, action, own, -count(*) from deleted group by 1, 2, 3
  on conflict (day, resource_type, action, bucket) do update set entries = totals.entries + excluded.entries;
  return null;
end $$;
create function audit_log_emptied() returns trigger language plpgsql as $$
begin
  delete from audit_totals;
  return null;
end $$;

-- At the end of the transaction, so that a bucket is held for a moment however long the change takes that the entry tells of.
create constraint trigger audit_entry_counted after insert on audit_logs deferrable initially deferred
  for each row execute function audit_entry_counted();
create trigger audit_entries_deleted after delete on audit_logs
  referencing old table as deleted for each statement execute function audit_entries_deleted();
create trigger audit_log_emptied after truncate on audit_logs for each statement execute function audit_log_emptied();

-- Nobody writes entries between this and the triggers: they lock the table until the migration is done.
insert into audit_totals (day, resource_type, action, bucket, entries)
select (time at time zone 'UTC')::date, resource_type, action, 0, count(*) from audit_logs group by 1, 2, 3;

-- A page of a kind is read in its order, also where the kind is rare. The index that was for counting is not needed any more.
create index audit_logs_type_page on audit_logs (resource_type, time desc, id);
create index audit_logs_action_page on audit_logs (action, time desc, id);
drop index audit_logs_kind;
