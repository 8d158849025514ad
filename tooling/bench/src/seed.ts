import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'

const WORKSPACES_PER_USER = 100

/** Connects to the embedded database of a data directory. */
export async function connectToEmbedded(dataDirectory: string): Promise<Client> {
  const entries = await readdir(dataDirectory, { recursive: true })
  const socket = entries.find((entry) => entry.endsWith('.s.PGSQL.5432'))
  if (socket === undefined) throw new Error(`no database socket in ${dataDirectory}; check that the server is running`)
  const client = new Client({ host: join(dataDirectory, socket, '..'), user: 'berth', database: 'berth' })
  await client.connect()
  return client
}

/** Returns SQL for an ID derived from a kind and a number. */
function id(kind: string, number: string): string {
  return `md5('${kind} ' || ${number})::uuid`
}

/** Returns the agent token of a seeded workspace. */
export function agentToken(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`
}

const AGENT_TOKEN_HASH = `sha256(convert_to('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'), 'UTF8'))`
const OWNER_ID = id('user', `1 + (n - 1) / ${WORKSPACES_PER_USER}`)

/**
 * Inserts the users `seed-1`, `seed-2`, … into the database, with the first user's password. Keeps
 * existing ones.
 */
export async function seedUsers(client: Client, count: number): Promise<void> {
  await client.query(`
    insert into users (id, email, username, hashed_password, created_at, updated_at)
    select ${id('user', 'n')}, 'seed-' || n || '@example.com', 'seed-' || n, (select hashed_password from users order by created_at limit 1), now(), now()
    from generate_series(1, ${count}) n on conflict do nothing`)
  await client.query(`
    insert into organization_members (user_id, organization_id, created_at, updated_at)
    select ${id('user', 'n')}, (select id from organizations limit 1), now(), now() from generate_series(1, ${count}) n on conflict do nothing`)
  await client.query('vacuum analyze users, organization_members')
}

/** Inserts templates into the database, all with the version of the first. */
export async function seedTemplates(client: Client, count: number): Promise<void> {
  await client.query(`
    insert into templates (id, created_at, updated_at, organization_id, name, provisioner, active_version_id, created_by)
    select ${id('template', 'n')}, now(), now(), organization_id, 'seed-' || n, provisioner, active_version_id, created_by
    from (select * from templates order by created_at limit 1) template, generate_series(1, ${count}) n`)
  await client.query('vacuum analyze templates')
}

/** Inserts audit log entries into the database, a minute apart, by a hundred users. */
export async function seedAuditLog(client: Client, count: number): Promise<void> {
  await client.query('begin')
  // The totals are counted below, all at once.
  await client.query('alter table audit_logs disable trigger audit_entry_counted')
  await client.query(`
    insert into audit_logs (id, time, user_id, ip, user_agent, resource_type, resource_id, resource_target, action, diff, status_code, request_id)
    select gen_random_uuid(), now() - n * interval '1 minute', ${id('user', '1 + n % 100')}, '127.0.0.1', 'bench',
      (array['workspace', 'workspace_build', 'user', 'template'])[1 + n % 4], ${id('resource', 'n % 5000')}, 'thing-' || n % 5000,
      (array['create', 'write', 'delete'])[1 + n % 3]::audit_action, '{"name": {"old": "a", "new": "b", "secret": false}}', 200, gen_random_uuid()
    from generate_series(1, ${count}) n`)
  await client.query(`
    insert into audit_totals as totals (day, resource_type, action, bucket, entries)
    select (time at time zone 'UTC')::date, resource_type, action, 0, count(*) from audit_logs where user_agent = 'bench' group by 1, 2, 3
    on conflict (day, resource_type, action, bucket) do update set entries = totals.entries + excluded.entries`)
  await client.query('alter table audit_logs enable trigger audit_entry_counted')
  await client.query('commit')
  await client.query('vacuum analyze audit_logs, audit_totals')
}

/**
 * Inserts running workspaces into the database, each with a build, its job, a resource, a connected
 * agent and two apps. The users `seed-1`, `seed-2`, … own a hundred each.
 */
export async function seedWorkspaces(client: Client, { from, to }: { readonly from: number; readonly to: number }): Promise<void> {
  const { rows } = await client.query<{ template_id: string; version_id: string; organization_id: string; file_id: string }>(`
    select template.id as template_id, template.active_version_id as version_id, template.organization_id, job.file_id
    from templates template
    join template_versions version on version.id = template.active_version_id
    join provisioner_jobs job on job.id = version.job_id limit 1`)
  const [place] = rows
  if (place === undefined) throw new Error('there is no template to create workspaces from')
  const { template_id, version_id, organization_id, file_id } = place
  await seedUsers(client, Math.ceil(to / WORKSPACES_PER_USER))
  await client.query('begin')
  await client.query(
    `insert into workspaces (id, created_at, updated_at, owner_id, organization_id, template_id, name, last_used_at)
     select ${id('workspace', 'n')}, now(), now(), ${OWNER_ID}, $1, $2, 'ws-' || n,
       now() - (n * interval '1 minute') from generate_series(${from}::int, ${to}::int) n`,
    [organization_id, template_id],
  )
  await client.query(
    `insert into provisioner_jobs (id, created_at, updated_at, started_at, completed_at, organization_id, initiator_id, provisioner, type, file_id)
     select ${id('job', 'n')}, now(), now(), now(), now(), $1, ${OWNER_ID}, 'berth', 'workspace_build', $2
     from generate_series(${from}::int, ${to}::int) n`,
    [organization_id, file_id],
  )
  await client.query(
    `insert into workspace_builds (id, created_at, updated_at, workspace_id, template_version_id, build_number, transition, initiator_id, job_id)
     select ${id('build', 'n')}, now(), now(), ${id('workspace', 'n')}, $1, 1, 'start', ${OWNER_ID}, ${id('job', 'n')}
     from generate_series(${from}::int, ${to}::int) n`,
    [version_id],
  )
  await client.query(`
    insert into workspace_resources (id, created_at, job_id, ordinal, transition, type, name)
    select ${id('resource', 'n')}, now(), ${id('job', 'n')}, 0, 'start', 'local_workspace', 'dev' from generate_series(${from}::int, ${to}::int) n`)
  await client.query(`
    insert into workspace_agents (id, created_at, updated_at, resource_id, ordinal, name, hashed_auth_token, architecture, operating_system,
      first_connected_at, last_connected_at)
    select ${id('agent', 'n')}, now(), now(), ${id('resource', 'n')}, 0, 'main', ${AGENT_TOKEN_HASH}, 'amd64', 'linux', now(), now()
    from generate_series(${from}::int, ${to}::int) n`)
  await client.query(`
    insert into workspace_apps (id, created_at, agent_id, slug, display_name, url)
    select md5('app ' || n || ' ' || app)::uuid, now(), ${id('agent', 'n')}, 'app-' || app, 'App', 'http://localhost:' || 8000 + app
    from generate_series(${from}::int, ${to}::int) n, generate_series(1, 2) app`)
  // They have no schedule and no deadline. Otherwise the server would find that out during the
  // measurement.
  await client.query(`update workspaces set autobuild_due_at = null where name like 'ws-%' and autobuild_due_at is not null`)
  await client.query('commit')
  await client.query('vacuum analyze')
}
