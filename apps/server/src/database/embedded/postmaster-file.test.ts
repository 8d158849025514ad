import { expect, test } from 'vitest'
import { parsePostmasterFile } from './postmaster-file.ts'

test('pid and socket folder are read from a running server’s file', () => {
  const text = '4711\n/var/lib/berth/postgres-18\n1795503863\n5432\n/var/lib/berth/postgres-socket\n\n  1234 56\nready   \n'
  expect(parsePostmasterFile(text)).toEqual({ pid: 4711, socketDirectory: '/var/lib/berth/postgres-socket' })
})

test.each(['', '\n', 'garbage\n', '-1\n', '1.5\n'])('%j is no such file', (text) => {
  expect(parsePostmasterFile(text)).toBeUndefined()
})

test('an incomplete file has no socket folder', () => {
  expect(parsePostmasterFile('4711\n')).toEqual({ pid: 4711, socketDirectory: '' })
})
