import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'

const WORKSPACES_PER_USER = 100

/** A connection to the embedded database of a data directory. */
export async function connectToEmbedded(dataDirectory: string): Promise<Client> {
  const entries = await readdir(dataDirectory, { recursive: true })
  const socket = entries.find((entry) => entry.endsWith('.s.PGSQL.5432'))
  if (socket === undefined) throw new Error(`there is no database socket below ${dataDirectory}`)
  const client = new Client({ host: join(dataDirectory, socket, '..'), user: 'berth', database: 'berth' })
  await client.connect()
  return client
}

/** An ID made of a kind and a number, as SQL. */
function id(kind: string, number: string): string {
  return `md5('${kind} ' || ${number})::uuid`
}

/**
 * Puts running workspaces straight into the database: each with a build, its job, a resource, an agent that is connected, and two apps. A hundred to a user; the users are `seed-1`, `seed-2`, …
 */
export async function seedWorkspaces(client: Client, count: number): Promise<void> {
  const { rows } = await client.query<{ template_id: string; version_id: string; organization_id: string; file_id: string }>(`
    select template.id as template_id, template.active_version_id as version_id, template.organization_id, job.file_id
    from templates template
    join template_versions version on version.id = template.active_version_id
    join provisioner_jobs job on job.id = version.job_id limit 1`)
  const [place] = rows
  if (place === undefined) throw new Error('there is no template to seed workspaces of')
  const { template_id, version_id, organization_id, file_id } = place
  const users = Math.ceil(count / WORKSPACES_PER_USER)
  await client.query('begin')
  await client.query(`
    insert into users (id, email, username, hashed_password, created_at, updated_at)
    select ${id('user', 'n')}, 'seed-' || n || '@example.com', 'seed-' || n, (select hashed_password from users order by created_at limit 1), now(), now()
    from generate_series(1, ${users}) n on conflict do nothing`)
  await client.query(
    `insert into organization_members (user_id, organization_id, created_at, updated_at)
     select ${id('user', 'n')}, $1, now(), now() from generate_series(1, ${users}) n on conflict do nothing`,
    [organization_id],
  )
  await client.query(
    `insert into workspaces (id, created_at, updated_at, owner_id, organization_id, template_id, name, last_used_at)
     select ${id('workspace', 'n')}, now(), now(), ${id('user', `1 + (n - 1) / ${WORKSPACES_PER_USER}`)}, $1, $2, 'ws-' || n,
       now() - (n * interval '1 minute') from generate_series(1, ${count}) n`,
    [organization_id, template_id],
  )
  await client.query(
    `insert into provisioner_jobs (id, created_at, updated_at, started_at, completed_at, organization_id, initiator_id, provisioner, type, file_id)
     select ${id('job', 'n')}, now(), now(), now(), now(), $1, ${id('user', `1 + (n - 1) / ${WORKSPACES_PER_USER}`)}, 'berth', 'workspace_build', $2
     from generate_series(1, ${count}) n`,
    [organization_id, file_id],
  )
  await client.query(
    `insert into workspace_builds (id, created_at, updated_at, workspace_id, template_version_id, build_number, transition, initiator_id, job_id)
     select ${id('build', 'n')}, now(), now(), ${id('workspace', 'n')}, $1, 1, 'start', ${id('user', `1 + (n - 1) / ${WORKSPACES_PER_USER}`)}, ${id('job', 'n')}
     from generate_series(1, ${count}) n`,
    [version_id],
  )
  await client.query(`
    insert into workspace_resources (id, created_at, job_id, ordinal, transition, type, name)
    select ${id('resource', 'n')}, now(), ${id('job', 'n')}, 0, 'start', 'local_workspace', 'dev' from generate_series(1, ${count}) n`)
  await client.query(`
    insert into workspace_agents (id, created_at, updated_at, resource_id, ordinal, name, hashed_auth_token, architecture, operating_system,
      first_connected_at, last_connected_at)
    select ${id('agent', 'n')}, now(), now(), ${id('resource', 'n')}, 0, 'main', decode(md5('token ' || n), 'hex'), 'amd64', 'linux', now(), now()
    from generate_series(1, ${count}) n`)
  await client.query(`
    insert into workspace_apps (id, created_at, agent_id, slug, display_name, url)
    select md5('app ' || n || ' ' || app)::uuid, now(), ${id('agent', 'n')}, 'app-' || app, 'App', 'http://localhost:' || 8000 + app
    from generate_series(1, ${count}) n, generate_series(1, 2) app`)
  await client.query('commit')
  await client.query('vacuum analyze')
}
