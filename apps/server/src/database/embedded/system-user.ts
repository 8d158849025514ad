import { readFile } from 'node:fs/promises'
import { EmbeddedPostgresError } from './embedded-postgres-error.ts'

/** An account of the operating system that processes can be started as. */
export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Accounts to run PostgreSQL under when Berth runs as root, the best first. initdb wants one that the passwd file knows. */
const PREFERRED_USERS = ['berth', 'postgres', '_postgres', 'nobody']

/** Reads the accounts of a passwd file. Lines of another shape are left out. */
export function parsePasswd(text: string): SystemUser[] {
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':')
    if (name === undefined || !/^-?\d+$/.test(uid ?? '') || !/^-?\d+$/.test(gid ?? '')) return []
    return [{ name, uid: Number(uid), gid: Number(gid) }]
  })
}

/**
 * The unprivileged account PostgreSQL runs under when Berth runs as root: the owner of the data that is already there, else the first of
 * `berth`, `postgres` and `nobody` that exists.
 */
export function pickSystemUser(users: readonly SystemUser[], ownerUid: number | undefined): SystemUser | undefined {
  const unprivileged = users.filter((user) => user.uid !== 0)
  if (ownerUid !== undefined && ownerUid !== 0) return unprivileged.find((user) => user.uid === ownerUid)
  return PREFERRED_USERS.flatMap((name) => unprivileged.find((user) => user.name === name) ?? [])[0]
}

/**
 * Finds the account to start PostgreSQL as, or undefined where it runs under Berth's own.
 *
 * @throws {@link EmbeddedPostgresError} as root with no fitting account.
 */
export async function findSystemUser(ownUid: number | undefined, ownerUid: number | undefined): Promise<SystemUser | undefined> {
  if (ownUid !== 0) return undefined
  const user = pickSystemUser(parsePasswd(await readFile('/etc/passwd', 'utf8')), ownerUid)
  if (user !== undefined) return user
  throw new EmbeddedPostgresError(
    ownerUid === undefined || ownerUid === 0
      ? 'PostgreSQL does not run as root and /etc/passwd has none of the users berth, postgres and nobody. Create one (useradd --system berth).'
      : `The database belongs to uid ${ownerUid}, which /etc/passwd does not know. Create that user or give the data to an existing one.`,
  )
}
