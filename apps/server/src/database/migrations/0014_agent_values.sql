-- What the agent alone may read where the columns beside it hide values of sensitive parameters: sealed JSON. Null: they hide nothing.
alter table workspace_agents add column sealed_values bytea;

-- False for agents stored by servers that hide nothing: the next start of a server seals and hides what may be sensitive of them.
alter table workspace_agents add column hides_secrets boolean not null default false;
create index workspace_agents_unhidden on workspace_agents (id) where not hides_secrets;

-- Sensitive metadata is shown to nobody, so it isn't kept. Nobody knows which values a finished job used, so all metadata is hidden where the template has a
-- sensitive parameter, until the workspace is built again.
update workspace_resource_metadata item set value = '********' where value <> '' and (sensitive or workspace_resource_id in (
  select resource.id from workspace_resources resource join parameter_schemas schema on schema.job_id = resource.job_id where not schema.redisplay_value
  union all
  select resource.id from workspace_resources resource
  join workspace_builds build on build.job_id = resource.job_id
  join template_versions version on version.id = build.template_version_id
  join parameter_schemas schema on schema.job_id = version.job_id where not schema.redisplay_value));
