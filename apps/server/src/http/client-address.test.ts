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
  ['nobody is trusted', '10.0.0.1', { 'x-forwarded-for': '203.0.113.9' }, undefined, '10.0.0.1'],
  ['a stranger is not believed', '198.51.100.7', { 'x-forwarded-for': '203.0.113.9' }, proxies, '198.51.100.7'],
  ['a proxy is', '10.0.0.1', { 'x-forwarded-for': '203.0.113.9' }, proxies, '203.0.113.9'],
  ['also over IPv6', '::ffff:10.0.0.1', { 'x-forwarded-for': '203.0.113.9' }, proxies, '203.0.113.9'],
  ['a proxy with an IPv6 address too', '2001:db8::5', { 'x-forwarded-for': '2001:db9::1' }, proxies, '2001:db9::1'],
  [
    'the first header that names one counts',
    '10.0.0.1',
    { 'x-real-ip': '192.0.2.1', 'x-forwarded-for': '203.0.113.9' },
    proxies,
    '192.0.2.1',
  ],
  ['of a chain the last stranger', '10.0.0.1', { 'x-forwarded-for': '1.1.1.1, 203.0.113.9, 10.2.3.4' }, proxies, '203.0.113.9'],
  ['of a chain of proxies the first', '10.0.0.1', { 'x-forwarded-for': '10.9.9.9, 10.2.3.4' }, proxies, '10.9.9.9'],
  ['ports are left out', '10.0.0.1', { 'x-forwarded-for': '203.0.113.9:51234' }, proxies, '203.0.113.9'],
  ['and brackets', '10.0.0.1', { 'x-forwarded-for': '[2001:db9::1]:443' }, proxies, '2001:db9::1'],
  ['what is no address is passed over', '10.0.0.1', { 'x-real-ip': 'unknown', 'x-forwarded-for': '203.0.113.9' }, proxies, '203.0.113.9'],
  ['a proxy that says nothing is the client', '10.0.0.1', {}, proxies, '10.0.0.1'],
  ['a chain that a stranger ended with nonsense', '10.0.0.1', { 'x-forwarded-for': '203.0.113.9, nonsense' }, proxies, '10.0.0.1'],
  ['a connection that is gone', undefined, { 'x-forwarded-for': '203.0.113.9' }, proxies, ''],
] as const)('%s', (_, remote, headers, trusted, address) => {
  expect(clientAddress(from(remote, headers), trusted)).toBe(address)
})
