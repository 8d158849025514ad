import { BlockList } from 'node:net'
import { expect, test } from 'vitest'
import { clientAddress, type TrustedProxies } from './client-address.ts'

const origins = new BlockList()
origins.addSubnet('10.0.0.0', 8, 'ipv4')
origins.addSubnet('2001:db8::', 32, 'ipv6')
const proxies: TrustedProxies = { headers: ['x-real-ip', 'x-forwarded-for'], origins }

const from = (remoteAddress: string | undefined, headers: Record<string, string>) =>
  ({ socket: { remoteAddress }, headers }) as unknown as Parameters<typeof clientAddress>[0] // all that is looked at

test.each([
  ['without trusted proxies, the header is ignored', '10.0.0.1', { 'x-forwarded-for': '203.0.113.9' }, undefined, '10.0.0.1'],
  ["a stranger's header is ignored", '198.51.100.7', { 'x-forwarded-for': '203.0.113.9' }, proxies, '198.51.100.7'],
  ["a trusted proxy's header counts", '10.0.0.1', { 'x-forwarded-for': '203.0.113.9' }, proxies, '203.0.113.9'],
  ['a trusted proxy may connect over IPv6', '::ffff:10.0.0.1', { 'x-forwarded-for': '203.0.113.9' }, proxies, '203.0.113.9'],
  ['a trusted proxy may have an IPv6 address', '2001:db8::5', { 'x-forwarded-for': '2001:db9::1' }, proxies, '2001:db9::1'],
  [
    'the first header that names one counts',
    '10.0.0.1',
    { 'x-real-ip': '192.0.2.1', 'x-forwarded-for': '203.0.113.9' },
    proxies,
    '192.0.2.1',
  ],
  [
    'the last untrusted address of a chain counts',
    '10.0.0.1',
    { 'x-forwarded-for': '1.1.1.1, 203.0.113.9, 10.2.3.4' },
    proxies,
    '203.0.113.9',
  ],
  ['the first address counts when all are trusted', '10.0.0.1', { 'x-forwarded-for': '10.9.9.9, 10.2.3.4' }, proxies, '10.9.9.9'],
  ['ports are removed', '10.0.0.1', { 'x-forwarded-for': '203.0.113.9:51234' }, proxies, '203.0.113.9'],
  ['brackets are removed', '10.0.0.1', { 'x-forwarded-for': '[2001:db9::1]:443' }, proxies, '2001:db9::1'],
  [
    "text that isn't an address is skipped",
    '10.0.0.1',
    { 'x-real-ip': 'unknown', 'x-forwarded-for': '203.0.113.9' },
    proxies,
    '203.0.113.9',
  ],
  ['a proxy without a header is the client', '10.0.0.1', {}, proxies, '10.0.0.1'],
  ['nonsense at the end of a chain is not a client', '10.0.0.1', { 'x-forwarded-for': '203.0.113.9, nonsense' }, proxies, '10.0.0.1'],
  ['a closed connection has no address', undefined, { 'x-forwarded-for': '203.0.113.9' }, proxies, ''],
] as const)('%s', (_, remote, headers, trusted, address) => {
  expect(clientAddress(from(remote, headers), trusted)).toBe(address)
})
