-- When each server last said that the agents connected to it are alive: one row for all of them, where a row each would be hundreds of writes a second.
-- An agent was last heard of when its own row says, or when the server it is connected to last said so, if that was later.
create table replica_beats (
  replica_id uuid primary key,
  beat_at timestamptz not null
) with (fillfactor = 50);
create index workspace_agents_replica on workspace_agents (connected_replica_id) where connected_replica_id is not null;
