import { expect, test } from 'vitest'
import { findSystemUser, parsePasswd, pickSystemUser } from './system-user.ts'

const PASSWD = `root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
# a comment
nobody:x:65534:65533:nobody:/nonexistent:/usr/sbin/nologin
postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash
alice:x:1000:1000::/home/alice:/bin/bash
`

test('accounts are read from a passwd file, and malformed lines are skipped', () => {
  expect(parsePasswd(PASSWD).map(({ name, uid, gid }) => [name, uid, gid])).toEqual([
    ['root', 0, 0],
    ['daemon', 1, 1],
    ['nobody', 65534, 65533],
    ['postgres', 101, 104],
    ['alice', 1000, 1000],
  ])
})

test.each([
  ['berth comes first', [{ name: 'berth', uid: 5, gid: 5 }], undefined, 'berth'],
  ['postgres comes before nobody', [], undefined, 'postgres'],
  ['data that root owns is ignored', [], 0, 'postgres'],
  ['the owner of the data goes first', [], 1000, 'alice'],
  ['an unknown owner finds no account', [], 4242, undefined],
])('%s', (_title, more, ownerUid, expected) => {
  expect(pickSystemUser([...parsePasswd(PASSWD), ...more], ownerUid)?.name).toBe(expected)
})

test('an account named berth that is root is never picked', () => {
  expect(pickSystemUser([{ name: 'berth', uid: 0, gid: 0 }], undefined)).toBeUndefined()
})

test('an ordinary user needs no other account', async () => {
  expect(await findSystemUser(1000, 0)).toBeUndefined()
})
