import type { Template } from '@berth/schema'
import { QUEUE_CHANNEL } from '../src/database/channels.ts'
import { runSql } from './run-sql.ts'
import type { TestServer } from './start-test-server.ts'

/** Keeps workers from new builds of a template's active version, until the result is called. */
export async function holdBuilds(server: TestServer, { active_version_id }: Template): Promise<() => Promise<void>> {
  const setTags = async (tags: object): Promise<unknown> =>
    await runSql(server, 'update provisioner_jobs set tags = $2 where id = (select job_id from template_versions where id = $1)', [
      active_version_id,
      tags,
    ])
  await setTags({ scope: 'organization', held: active_version_id })
  return async () => {
    await setTags({ scope: 'organization' })
    await runSql(server, `update provisioner_jobs set tags = '{"scope": "organization"}' where tags ->> 'held' = $1`, [active_version_id])
    await runSql(server, `select pg_notify('berth', $1)`, [`${QUEUE_CHANNEL} `])
  }
}
