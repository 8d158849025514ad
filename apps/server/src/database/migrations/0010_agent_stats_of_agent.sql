-- The last report of an agent is looked for when it reports over a socket.
create index agent_stats_of_agent on agent_stats (agent_id, created_at desc);
