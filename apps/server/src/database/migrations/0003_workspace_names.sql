-- Lists show names in the order of their bytes, whatever the locale of the database (Coder v2 API, v0.13.4).
alter table workspaces alter column name type text collate "C";
-- Deleted workspaces are looked for by name too, the youngest first.
create index workspaces_deleted_name on workspaces (owner_id, lower(name), created_at desc) where deleted;
