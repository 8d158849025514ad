import { readFile } from 'node:fs/promises'
import { EmbeddedPostgresError } from './embedded-postgres-error.ts'

/** An operating-system account that can run processes. */
export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/**
 * Accounts that may run PostgreSQL when Berth runs as root, best first. initdb needs one that the
 * passwd file lists.
 */
const PREFERRED_USERS = ['berth', 'postgres', '_postgres', 'nobody']

/** Parses the accounts of a passwd file and skips malformed lines. */
export function parsePasswd(text: string): SystemUser[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    if (name === undefined || !/^-?\d+$/.test(uid ?? '') || !/^-?\d+$/.test(gid ?? '')) return []
    return [{ name, uid: Number(uid), gid: Number(gid) }]
  })
}

/**
 * Picks the unprivileged account that runs PostgreSQL when Berth runs as root: the owner of
 * existing data, otherwise the first of {@link PREFERRED_USERS} that exists.
 */
export function pickSystemUser(users: readonly SystemUser[], ownerUid: number | undefined): SystemUser | undefined {
  const unprivileged = users.filter((user) => user.uid !== 0)
  if (ownerUid !== undefined && ownerUid !== 0) return unprivileged.find((user) => user.uid === ownerUid)
  return PREFERRED_USERS.flatMap((name) => unprivileged.find((user) => user.name === name) ?? [])[0]
}

/**
 * Finds the account to start PostgreSQL as; undefined when Berth's own account will do.
 *
 * @throws {@link EmbeddedPostgresError} when Berth runs as root and no account fits.
 */
export async function findSystemUser(ownUid: number | undefined, ownerUid: number | undefined): Promise<SystemUser | undefined> {
  if (ownUid !== 0) return undefined
  const user = pickSystemUser(parsePasswd(await readFile('/etc/passwd', 'utf8')), ownerUid)
  if (user !== undefined) return user
  throw new EmbeddedPostgresError(
    ownerUid === undefined || ownerUid === 0
      ? `PostgreSQL doesn't run as root, and /etc/passwd has none of the users ${PREFERRED_USERS.join(', ')}. Create one: useradd --system berth`
      : `The database belongs to uid ${ownerUid}, which /etc/passwd doesn't list. Create that user, or give the data to an existing one.`,
  )
}
