-- Keys that the sign-in to apps hands over. Each opens apps on one host, is handed over once, and is deleted together with the session that it was made from (no foreign key: a session may also expire, and its keys have expired by then).
create table app_keys (
  key_id text primary key references api_keys (id) on delete cascade,
  session_key_id text not null,
  host text not null,
  handed_over_at timestamptz
);
create index app_keys_session_key_id on app_keys (session_key_id);

-- Ports that people besides the workspace's owner may open. Each build has its own agents, so that a share ends when the workspace stops.
create table port_shares (
  agent_id uuid not null references workspace_agents (id) on delete cascade,
  port integer not null check (port between 1 and 65535),
  sharing_level app_sharing_level not null,
  primary key (agent_id, port)
);
