import { pbkdf2Sync } from 'node:crypto'
import { createClient } from '@berth/sdk'
import { print, reportLine, timeEach } from './percentiles.ts'
import { seedAuditLog, seedTemplates, seedUsers } from './seed.ts'
import { PASSWORD, withServer, type Measured } from './with-server.ts'

const USERS = 10_000
const TEMPLATES = 100
const ENTRIES = 1_000_000
const READS = 200
const LOGINS = 50

/** Measures sign-in, and the lists that administrators use. */
export async function people(): Promise<void> {
  await withServer(async (measured) => {
    const { owner, database } = measured
    await seedUsers(database, USERS)
    await measureLogins(measured)
    for (const [what, query] of Object.entries({
      'GET /users?limit=25': { limit: 25 },
      'GET /users?limit=25&offset=9000': { limit: 25, offset: 9_000 },
      'GET /users?limit=25&q=seed-77': { limit: 25, q: 'seed-77' },
      'GET /users (all)': {},
    }))
      print(
        reportLine(
          `${what} at ${USERS}`,
          await timeEach(query.limit === undefined ? 5 : READS, async () => await owner.users.list({ query })),
        ),
      )
    const [organization] = await owner.organizations.listOfUser({ params: { user: 'me' } })
    await seedTemplates(database, TEMPLATES)
    const templates = async (): Promise<unknown> => await owner.templates.list({ params: { organization: organization?.id ?? '' } })
    print(reportLine(`GET templates of an organization at ${TEMPLATES}`, await timeEach(READS, templates)))
    await measureAuditLog(measured)
  })
}

async function measureLogins({ server, database, login }: Measured): Promise<void> {
  print(reportLine('login', await timeEach(LOGINS, async () => await login('seed-1@example.com'))))
  // The stored hash states its number of iterations. One iteration costs almost nothing.
  const salt = Buffer.alloc(16)
  const hash = `$pbkdf2-sha256$1$${unpadded(salt)}$${unpadded(pbkdf2Sync(PASSWORD, salt, 1, 64, 'sha256'))}`
  await database.query(`update users set hashed_password = $1 where username = 'seed-2'`, [hash])
  const quick = async (): Promise<unknown> => await login('seed-2@example.com')
  print(reportLine('login without the cost of the hash', await timeEach(LOGINS, quick)))
  const me = createClient({ url: server.url, token: await login('seed-2@example.com') })
  print(reportLine('GET /users/me', await timeEach(READS, async () => await me.users.get({ params: { user: 'me' } }))))
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

async function measureAuditLog({ owner, database }: Measured): Promise<void> {
  await seedAuditLog(database, ENTRIES)
  for (const [what, query] of Object.entries({
    'limit=25': { limit: 25 },
    'limit=25&offset=1000': { limit: 25, offset: 1_000 },
    'limit=25&q=username:seed-1': { limit: 25, q: 'username:seed-1' },
    'limit=25&q=username:seed-1 action:create': { limit: 25, q: 'username:seed-1 action:create' },
    'limit=25&q=resource_type:template action:delete': { limit: 25, q: 'resource_type:template action:delete' },
    'limit=25&q=action:delete': { limit: 25, q: 'action:delete' },
    'limit=25&q=resource_type:organization': { limit: 25, q: 'resource_type:organization' },
    'limit=25&q=date_from:2020-01-01': { limit: 25, q: 'date_from:2020-01-01' },
  }))
    print(reportLine(`GET /audit?${what} at ${ENTRIES}`, await timeEach(READS / 4, async () => await owner.audit.list({ query })), 50))
}
