-- Running servers, and how the others reach them. A server holds the advisory lock with the number `lock_number` as long as it lives; if nobody holds it, the row doesn't count.
create table replicas (
  id uuid primary key,
  -- Null: other servers can't reach this one.
  relay_url text,
  lock_number bigint not null,
  version text not null,
  started_at timestamptz not null,
  updated_at timestamptz not null
);

-- The secret by which servers of a deployment recognize each other. One row.
create table replica_relay_secret (
  id boolean primary key default true check (id),
  sealed_secret bytea not null
);
