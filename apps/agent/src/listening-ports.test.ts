import { expect, test } from 'vitest'
import { parseSocketTable } from './listening-ports.ts'

const line = (local: string, state: string, inode: string): string =>
  `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0000000000000000 100 0 0 10 0`

test.each([
  ['any address', '00000000:1F90', 8080],
  ['the loopback address', '0100007F:0050', 80],
  ['another loopback address', '3500007F:0035', 53],
  ['any IPv6 address', '00000000000000000000000000000000:1F91', 8081],
  ['the IPv6 loopback address', '00000000000000000000000001000000:1F92', 8082],
  ['a mapped loopback address', '0000000000000000FFFF00000100007F:1F93', 8083],
])('a listener on %s counts', (_title, local, port) => {
  expect(parseSocketTable(`  sl  local_address rem_address   st\n${line(local, '0A', '77')}\n`)).toEqual([{ port, inode: '77' }])
})

test.each([
  ['an open connection', '0100007F:0050', '01'],
  ['a listener on another interface only', '0A0B0C0D:0050', '0A'],
])('%s does not', (_title, local, state) => {
  expect(parseSocketTable(line(local, state, '77'))).toEqual([])
})
