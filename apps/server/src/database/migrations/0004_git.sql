-- What belongs to the deployment as a whole, by name: check values, keys of its own.
create table deployment_values (
  key text primary key,
  value bytea not null
);

-- Sealed columns hold what apps/server/src/secrets makes of a secret; only the server's key opens them.
create table gitsshkeys (
  user_id uuid primary key references users (id) on delete cascade,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  public_key text not null,
  sealed_private_key bytea not null
);

create table git_auth_links (
  provider_id text not null,
  user_id uuid not null references users (id) on delete cascade,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  sealed_access_token bytea not null,
  sealed_refresh_token bytea not null,
  -- The zero time where the provider names none.
  expiry timestamptz not null default '0001-01-01T00:00:00Z',
  primary key (provider_id, user_id)
);
create index git_auth_links_user on git_auth_links (user_id);

-- Where this is set, source_value is empty. Values from before are in clear until secrets are rotated.
alter table parameter_values add column sealed_value bytea;
