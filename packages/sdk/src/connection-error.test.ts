import { expect, test } from 'vitest'
import { ConnectionError, connectionErrorOf } from './connection-error.ts'

const asked = { method: 'GET', url: 'https://berth.example.com/api/v2/buildinfo' }
const failed = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error(`reason ${code}`), { code }) })

test.each([
  ['ECONNREFUSED', 'No server answers at https://berth.example.com. Check that it is running, and check the address and port.'],
  ['ENOTFOUND', 'The host name "berth.example.com" cannot be resolved. Check its spelling and your network.'],
  ['UND_ERR_CONNECT_TIMEOUT', 'https://berth.example.com did not answer in time. Check the address, your network and any firewall.'],
  ['ENETUNREACH', 'There is no network route to https://berth.example.com. Check your network.'],
  [
    'UND_ERR_SOCKET',
    'The connection to https://berth.example.com broke before the answer was complete. Check that the server is running and try again.',
  ],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'https://berth.example.com does not speak HTTPS. Try http:// instead.'],
  [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'The certificate of https://berth.example.com is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT). Check the address, or trust the issuer with NODE_EXTRA_CA_CERTS.',
  ],
  ['EWHATEVER', 'https://berth.example.com cannot be reached (EWHATEVER). Check the address and your network.'],
])('%s is explained', (code, message) => {
  const error = connectionErrorOf(failed(code), asked)
  expect(error).toMatchObject({ message, ...asked })
  expect(ConnectionError.is(error)).toBe(true)
})

test('an error without a code shows its message', () => {
  const error = connectionErrorOf(new TypeError('fetch failed', { cause: new Error('bad port') }), asked)
  expect(error.message).toBe('https://berth.example.com cannot be reached (bad port). Check the address and your network.')
})

test('other values are not ConnectionErrors', () => {
  expect([undefined, null, 'x', new Error('x')].map((value) => ConnectionError.is(value))).toEqual([false, false, false, false])
})
