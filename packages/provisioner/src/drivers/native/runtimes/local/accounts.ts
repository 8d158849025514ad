import { chmod, readFile, writeFile } from 'node:fs/promises'
import { tryLaunch } from './sandbox.ts'
import type { WorkspaceFolder } from './workspace-folder.ts'

/** The user that the processes of a workspace run as. */
export interface Account {
  readonly uid: number
  readonly gid: number
  readonly name: string
  readonly home: string
  readonly shell: string
}

/** Writes the `passwd` and `group` files of a sandbox. */
export async function writeSandboxAccounts(folder: WorkspaceFolder, account: Account): Promise<void> {
  const { uid, gid, home, shell } = account
  await writeReadable(folder.passwd, [
    `root:x:0:0:root:${uid === 0 ? home : '/root'}:${uid === 0 ? shell : '/usr/sbin/nologin'}`,
    ...(uid === 0 ? [] : [passwdLine(account)]),
    'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
  ])
  await writeReadable(folder.group, ['root:x:0:', 'tty:x:5:', ...(gid === 0 ? [] : [groupLine(account)]), 'nogroup:x:65534:'])
}

/**
 * Gives the uid of a workspace its name outside a sandbox. Returns the variables with which
 * programs find it; undefined if libnss-wrapper isn't installed. The name grants nothing: programs
 * that change users ignore these variables.
 */
export async function nameAccount(folder: WorkspaceFolder, account: Account): Promise<Record<string, string> | undefined> {
  await writeReadable(folder.passwd, [passwdLine(account), ...(await linesOf('/etc/passwd'))])
  await writeReadable(folder.group, [groupLine(account), ...(await linesOf('/etc/group'))])
  const variables = { LD_PRELOAD: 'libnss_wrapper.so', NSS_WRAPPER_PASSWD: folder.passwd, NSS_WRAPPER_GROUP: folder.group }
  const { uid, gid, name } = account
  const failure = await tryLaunch({
    command: '/bin/sh',
    arguments: ['-c', '[ "$(id -un)" = "$0" ]', name],
    user: { uid, gid },
    environment: variables,
  })
  return failure === undefined ? variables : undefined
}

function passwdLine({ uid, gid, name, home, shell }: Account): string {
  return `${name}:x:${uid}:${gid}::${home}:${shell}`
}

function groupLine({ gid, name }: Account): string {
  return `${name}:x:${gid}:`
}

async function linesOf(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '')
}

async function writeReadable(path: string, lines: readonly string[]): Promise<void> {
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o644 })
  await chmod(path, 0o644)
}
