import { sql, type RawBuilder } from 'kysely'
import type { Database, Queries } from '../database/database.ts'
import { MASK, sealAgentValues, type AgentValues } from './agent-values.ts'
import type { SecretBox } from './secret-box.ts'

const BATCH_ROWS = 100

/** Whether the template version behind the job of `resource` has a sensitive parameter. */
const hasSensitiveParameter: RawBuilder<boolean> = sql`exists (
  select from parameter_schemas schema where not schema.redisplay_value and schema.job_id in (
    select resource.job_id
    union all select version.job_id from workspace_builds build join template_versions version on version.id = build.template_version_id
      where build.job_id = resource.job_id
    union all select version.job_id from provisioner_jobs job join template_versions version on version.id::text = job.input ->> 'template_version_id'
      where job.id = resource.job_id))`

/**
 * Seals and hides the environment, script and metadata of agents that were stored before servers
 * did so. Nobody knows which values a finished job used, so all of them are hidden where the
 * template has a sensitive parameter. Several servers may do this at once.
 */
export async function hideAgentValues(database: Database, secrets: SecretBox): Promise<void> {
  const { kysely } = database
  await sql`
    update workspace_agents agent set hides_secrets = true from workspace_resources resource
    where not agent.hides_secrets and resource.id = agent.resource_id and not ${hasSensitiveParameter}`.execute(kysely)
  for (;;) {
    const hidden = await database.transaction(async (transaction) => await hideBatch(transaction, secrets))
    if (hidden < BATCH_ROWS) return
  }
}

/** Returns how many agents it hid. */
async function hideBatch(transaction: Queries, secrets: SecretBox): Promise<number> {
  const { rows } = await sql<Omit<AgentValues, 'apps'> & { id: string; resource_id: string; apps: AgentValues['apps'] | null }>`
    select agent.id, agent.resource_id, agent.environment_variables, agent.startup_script, agent.directory, agent.motd_file, (
      select json_object_agg(app.slug, json_build_object('url', app.url, 'command', app.command, 'healthcheck_url', app.healthcheck_url))
      from workspace_apps app where app.agent_id = agent.id) as apps
    from workspace_agents agent where not agent.hides_secrets limit ${sql.lit(BATCH_ROWS)} for update skip locked`.execute(transaction)
  for (const { id, resource_id, apps, ...rest } of rows) {
    const { environment_variables, startup_script } = rest
    const shown = environment_variables && Object.fromEntries(Object.keys(environment_variables).map((name) => [name, MASK]))
    await sql`
      update workspace_agents set hides_secrets = true, sealed_values = ${sealAgentValues(secrets, id, { ...rest, apps: apps ?? {} })},
        environment_variables = ${shown && JSON.stringify(shown)}, startup_script = ${startup_script === '' ? '' : MASK}
      where id = ${id}`.execute(transaction)
    await sql`
      update workspace_resource_metadata item set value = ${MASK} where value <> '' and workspace_resource_id in (
        select resource.id from workspace_resources resource
        where resource.job_id = (select job_id from workspace_resources where id = ${resource_id}))`.execute(transaction)
  }
  return rows.length
}
