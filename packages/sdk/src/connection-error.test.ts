import { expect, test } from 'vitest'
import { ConnectionError, connectionErrorOf } from './connection-error.ts'

const asked = { method: 'GET', url: 'https://berth.example.com/api/v2/buildinfo' }
const failed = (code: string) => new TypeError('fetch failed', { cause: Object.assign(new Error(`reason ${code}`), { code }) })

test.each([
  [
    'ECONNREFUSED',
    'Nothing answers at https://berth.example.com. Check that the server is running and that the address and the port are right.',
  ],
  ['ENOTFOUND', 'The host name "berth.example.com" cannot be resolved. Check its spelling and your network.'],
  [
    'UND_ERR_CONNECT_TIMEOUT',
    'https://berth.example.com does not answer in time. Check the address, your network and the firewalls between.',
  ],
  ['ENETUNREACH', 'There is no way to https://berth.example.com from here. Check your network.'],
  [
    'UND_ERR_SOCKET',
    'The connection to https://berth.example.com broke before the answer was complete. Check that the server is running, then try again.',
  ],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'https://berth.example.com does not speak HTTPS. Try http:// instead.'],
  [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'The certificate of https://berth.example.com is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT). Check the address, or make the issuer known (NODE_EXTRA_CA_CERTS).',
  ],
  ['EWHATEVER', 'https://berth.example.com cannot be reached (EWHATEVER). Check the address and your network.'],
])('%s is explained', (code, message) => {
  const error = connectionErrorOf(failed(code), asked)
  expect(error).toMatchObject({ message, ...asked })
  expect(ConnectionError.is(error)).toBe(true)
})

test('an error without a code is shown by its message', () => {
  const error = connectionErrorOf(new TypeError('fetch failed', { cause: new Error('bad port') }), asked)
  expect(error.message).toBe('https://berth.example.com cannot be reached (bad port). Check the address and your network.')
})

test('something else is no ConnectionError', () => {
  expect([undefined, null, 'x', new Error('x')].map((value) => ConnectionError.is(value))).toEqual([false, false, false, false])
})
