import ssh2 from 'ssh2'
import { expect, test } from 'vitest'
import { newHostKey } from './host-key.ts'

test('every host key is one that the SSH server can read', () => {
  // Enough to include keys with a number that starts with a zero byte, as one in 256 has.
  const problems = Array.from({ length: 3_000 }, () => ssh2.utils.parseKey(newHostKey())).filter((key) => key instanceof Error)
  expect(problems).toEqual([])
})
