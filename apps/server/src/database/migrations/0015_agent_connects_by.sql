-- How the agent connected last: with a tunnel, or as the reference's agents do. Null: not since this column exists.
alter table workspace_agents add column connects_by text check (connects_by in ('tunnel', 'coordination'));
