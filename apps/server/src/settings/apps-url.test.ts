import { verifies } from '@berth/requirements'
import { describe, expect, test } from 'vitest'
import { appsUrlOf } from './apps-url.ts'
import { readConfig, type Config } from './config.ts'

function read(environment: Record<string, string> = {}): Config {
  return readConfig({ arguments: [], environment, userId: 1000, homeDirectory: '/home/ada', agentDirectory: '/agent' })
}

describe('the origin of apps by path', () => {
  test.each([
    ['the port after the one of the server', {}, { host: '127.0.0.1', port: 3001, isGiven: false }],
    ['the same with TLS', { BERTH_TLS_ENABLE: 'true', BERTH_TLS_CERT_FILE: 'c', BERTH_TLS_KEY_FILE: 'k' }, { port: 3444 }],
    ['the one that is given', { BERTH_APPS_ADDRESS: '0.0.0.0:80' }, { host: '0.0.0.0', port: 80, isGiven: true }],
    ['none after the last port', { BERTH_HTTP_ADDRESS: '127.0.0.1:65535' }, undefined],
    ['none where apps by path are off', { BERTH_PATH_APPS: 'off' }, undefined],
    ['none where they share the origin', { BERTH_PATH_APPS: 'same-origin' }, undefined],
  ])('listens on %s', (_, environment, apps) => {
    verifies('berth:apps:address')
    if (apps === undefined) expect(read(environment).apps).toBeUndefined()
    else expect(read(environment).apps).toMatchObject(apps)
  })

  test('cannot be given the address of the server', () => {
    verifies('berth:apps:address')
    expect(() => read({ BERTH_APPS_ADDRESS: '127.0.0.1:3000' })).toThrow(/^BERTH_APPS_ADDRESS \(127.0.0.1:3000\) and BERTH_HTTP_ADDRESS/)
  })

  test.each([
    ['http://127.0.0.1:3000', {}, 'http://127.0.0.1:3001'],
    ['http://berth.example.com:3000', {}, 'http://berth.example.com:3001'],
    ['https://berth.example.com', {}, undefined],
    ['http://berth.example.com', {}, undefined],
    ['https://berth.example.com', { BERTH_APPS_ACCESS_URL: 'https://apps.example.com/' }, 'https://apps.example.com'],
    ['http://127.0.0.1:3000', { BERTH_PATH_APPS: 'off' }, undefined],
  ])('is for %s with %j %s', (accessUrl, environment, origin) => {
    verifies('berth:apps:address')
    const addresses = { accessUrl, url: 'http://127.0.0.1:3000', listeningAt: 'http://127.0.0.1:3001' }
    expect(appsUrlOf(read(environment), addresses)).toBe(origin)
  })

  test.each([
    [{ BERTH_APPS_ACCESS_URL: 'https://apps.example.com/path' }, /Write the URL without it: https:\/\/apps.example.com$/],
    [{ BERTH_APPS_ACCESS_URL: 'apps.example.com' }, /BERTH_APPS_ACCESS_URL.*is not a URL/],
  ])('%j is refused', (environment, message) => {
    verifies('berth:apps:address')
    expect(() => read(environment)).toThrow(message)
  })

  test('is never that of the server', () => {
    verifies('berth:apps:address')
    const config = read({ BERTH_APPS_ACCESS_URL: 'https://berth.example.com' })
    const addresses = { accessUrl: 'https://berth.example.com', url: 'http://127.0.0.1:3000', listeningAt: undefined }
    expect(() => appsUrlOf(config, addresses)).toThrow(/^BERTH_APPS_ACCESS_URL .* has the host and the port of the access URL/)
  })
})
