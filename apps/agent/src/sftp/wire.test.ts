import { constants, type Stats } from 'node:fs'
import { expect, test } from 'vitest'
import { longName, modeText } from './long-name.ts'
import { flagsOfOpen, permissionsOf, statusOf } from './wire.ts'

test.each([
  [0x01, constants.O_RDONLY],
  [0x02, constants.O_WRONLY],
  [0x03, constants.O_RDWR],
  [0x0a, constants.O_WRONLY | constants.O_CREAT],
  [0x1a, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC],
  [0x2a, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL],
  [0x0e, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT],
  [0x00, constants.O_RDONLY],
])('the open flags %i mean %i to the system', (wire, system) => {
  expect(flagsOfOpen(wire)).toBe(system)
})

test.each([
  [{ mode: 0o100644 }, 0o644],
  [{ mode: 0o4755 }, 0o4755],
  [{}, undefined],
])('of %j the permissions are %j', (attributes, expected) => {
  expect(permissionsOf(attributes)).toBe(expected)
})

test.each([
  ['ENOENT', 2],
  ['ENOTDIR', 2],
  ['EACCES', 3],
  ['EPERM', 3],
  ['ENOTEMPTY', 4],
])('%s is told with status %i and its text', (code, status) => {
  expect(statusOf(Object.assign(new Error('what happened'), { code }))).toEqual({ code: status, message: 'what happened' })
})

test.each([
  [0o100644, '-rw-r--r--'],
  [0o040755, 'drwxr-xr-x'],
  [0o120777, 'lrwxrwxrwx'],
  [0o104755, '-rwsr-xr-x'],
  [0o102644, '-rw-r-Sr--'],
  [0o041777, 'drwxrwxrwt'],
  [0o041776, 'drwxrwxrwT'],
  [0o140600, 'srw-------'],
])('the mode %i reads %s', (mode, text) => {
  expect(modeText(mode)).toBe(text)
})

test('a file is listed in the columns of ls -l', () => {
  const stats = { mode: 0o100600, nlink: 1, uid: -2, gid: 5, size: 1234, mtimeMs: new Date(2001, 1, 3).getTime() } as Stats
  expect(longName('a b', stats, 'alice')).toBe('-rw-------    1 -2       5            1234 Feb  3  2001 a b')
})
