-- Who people are where they sign in, if not here.
create table user_links (
  user_id uuid not null references users (id) on delete cascade,
  login_type login_type not null,
  -- What the provider calls the person for ever.
  linked_id text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  sealed_access_token bytea not null,
  -- Null: the provider gave none.
  sealed_refresh_token bytea,
  -- Of the access token; null: it does not expire.
  expires_at timestamptz,
  primary key (user_id, login_type)
);
create unique index user_links_linked_id on user_links (login_type, linked_id);

-- Of agents on machines that prove who they are and are handed their token for it; of all others only the hash is kept.
alter table workspace_agents add column sealed_auth_token bytea;
