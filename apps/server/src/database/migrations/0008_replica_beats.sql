-- When each server last said that the agents connected to it are alive: one row for all of them, where a row each would be hundreds of writes a second.
create table replica_beats (
  replica_id uuid primary key,
  beat_at timestamptz not null
) with (fillfactor = 50);
create index workspace_agents_replica on workspace_agents (connected_replica_id) where connected_replica_id is not null;

-- When an agent was last heard of. The column is when it connected, while it is connected, and the last sign of life after that.
create function agent_last_heard_of(last_connected_at timestamptz, replica_id uuid) returns timestamptz language sql stable parallel safe as $$
  select greatest(last_connected_at, (select beat_at from replica_beats where replica_beats.replica_id = agent_last_heard_of.replica_id))
$$;
