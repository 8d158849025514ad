import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { version } from '../src/version.ts'
import { rawRequest } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

test('/healthz is 200 with the text OK', async () => {
  verifies('deployment:healthz')
  const { status, text, headers } = await rawRequest(server.url, 'GET //healthz')
  expect([status, text, headers['content-type']]).toEqual([200, 'OK', 'text/plain; charset=utf-8'])
})

test('the build information is that of the running server', async () => {
  verifies('deployment:buildinfo')
  const { json, headers } = await rawRequest(server.url, 'GET /buildinfo')
  expect(json).toEqual({ version, external_url: `${server.url}/docs` })
  expect((await fetch(`${server.url}/docs`)).status).toBe(200)
  expect(headers['x-coder-build-version']).toBe(version)
})

test('who comes with a browser is told where the API is', async () => {
  const { status, text, headers } = await rawRequest(server.url, 'GET //')
  expect([status, headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8'])
  expect(text).toContain('/api/v2')
})
