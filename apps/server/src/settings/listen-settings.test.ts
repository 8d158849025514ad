import { verifies } from '@berth/requirements'
import { describe, expect, it } from 'vitest'
import { readConfig, type Config } from './config.ts'

const TLS = { BERTH_TLS_ENABLE: 'true', BERTH_TLS_CERT_FILE: 'a.crt', BERTH_TLS_KEY_FILE: 'a.key' }

function read(environment: Record<string, string>, ...words: readonly string[]): Config {
  return readConfig({ arguments: words, environment, userId: 1000, homeDirectory: '/home/ada', agentDirectory: '/agent' })
}

describe('the deprecated address', () => {
  it('moves the HTTPS listener if TLS is on, and leaves plain HTTP alone', () => {
    verifies('deployment:address')
    const { http, tls } = read({ ...TLS, BERTH_ADDRESS: '0.0.0.0:443', BERTH_TLS_ADDRESS: '127.0.0.1:4' })
    expect(tls).toMatchObject({ host: '0.0.0.0', port: 443, setting: 'BERTH_ADDRESS' })
    expect(http).toEqual({ host: '127.0.0.1', port: 3000, setting: 'BERTH_HTTP_ADDRESS' })
  })

  it('moves the HTTP listener if TLS is off', () => {
    verifies('deployment:address')
    const { http, tls } = read({ BERTH_ADDRESS: '0.0.0.0:80', BERTH_HTTP_ADDRESS: '127.0.0.1:4' })
    expect([http, tls]).toEqual([{ host: '0.0.0.0', port: 80, setting: 'BERTH_ADDRESS' }, undefined])
  })

  it('replaces an empty address', () => {
    expect(read({}, '--http-address=', '-a', ':1').http?.port).toBe(1)
    expect(read(TLS, '--tls-address=', '-a', ':1').tls?.port).toBe(1)
  })
})

describe('an empty address', () => {
  it.each([[['--http-address=']], [['--http-address', '']]])('%j with TLS on turns plain HTTP off', (words) => {
    verifies('tls:alone')
    const { http, tls, deploymentValues } = read(TLS, ...words)
    expect([http, tls?.port]).toEqual([undefined, 3443])
    const value = deploymentValues.find(({ setting }) => setting.path === 'http_address')
    expect(value).toMatchObject({ value: '', default: '127.0.0.1:3000' })
  })

  it('counts as absent in a variable', () => {
    expect(read({ ...TLS, BERTH_HTTP_ADDRESS: '', BERTH_TLS_ADDRESS: '' })).toMatchObject({ http: { port: 3000 }, tls: { port: 3443 } })
  })

  it('is refused if nothing would listen', () => {
    verifies('tls:alone')
    expect(() => read({}, '--http-address=')).toThrow(
      /^BERTH_HTTP_ADDRESS is needed while TLS is off: write host:port, for example 127\.0\.0\.1:3000, or set BERTH_TLS_ENABLE\.$/,
    )
    expect(() => read(TLS, '--tls-address=')).toThrow(/^BERTH_TLS_ADDRESS is needed with BERTH_TLS_ENABLE: write host:port/)
    expect(read({}, '--tls-address=').tls).toBeUndefined()
  })
})

it.each([
  ['127.0.0.1:3000', '127.0.0.1:3000'],
  ['127.0.0.1:3000', '0.0.0.0:3000'],
  ['[::]:3000', '127.0.0.1:3000'],
])('HTTP on %s and HTTPS on %s are refused together', (http, https) => {
  verifies('tls:settings')
  const addresses = { BERTH_HTTP_ADDRESS: http, BERTH_TLS_ADDRESS: https }
  expect(() => read({ ...TLS, ...addresses })).toThrow(`BERTH_HTTP_ADDRESS (${http}) and BERTH_TLS_ADDRESS (${https}) cannot be used`)
  expect(read(addresses).http?.port).toBe(3000)
})

it('HTTP and HTTPS may use one port on two addresses, or let the system choose both ports', () => {
  expect(read({ ...TLS, BERTH_HTTP_ADDRESS: '127.0.0.1:1', BERTH_TLS_ADDRESS: '127.0.0.2:1' }).tls?.port).toBe(1)
  expect(read({ ...TLS, BERTH_HTTP_ADDRESS: '127.0.0.1:0', BERTH_TLS_ADDRESS: '127.0.0.1:0' }).tls?.port).toBe(0)
})
