import { request, type IncomingHttpHeaders } from 'node:http'
import { gunzipSync } from 'node:zlib'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { rawRequest } from './raw-request.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({ config: { swaggerEnable: true } })
})
afterAll(async () => await server.stop())

test('the page at /docs runs the scripts of this server over the document of its API, for anyone', async () => {
  verifies('deployment:api-reference')
  const page = await rawRequest(server.url, 'GET //docs')
  expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  const scripts = [...page.text.matchAll(/<script src="([^"]+)"/g)].map(([, source = '']) => source)
  expect(scripts).toEqual(['/docs/api-reference.js', '/docs/start.js'])
  for (const script of scripts) {
    const { status, headers, text } = await rawRequest(server.url, `GET /${script}`)
    expect([script, status, headers['content-type']]).toEqual([script, 200, 'text/javascript; charset=utf-8'])
    expect(text.length).toBeGreaterThan(0)
  }
  const start = await rawRequest(server.url, 'GET //docs/start.js')
  expect(start.text).toContain('"url":"/api/v2/openapi.json"')
  expect((await rawRequest(server.url, 'GET /openapi.json')).status).toBe(200)
})

test('the large script is compressed for who takes it, and the same', async () => {
  verifies('deployment:api-reference')
  const plain = await (await fetch(`${server.url}/docs/api-reference.js`, { headers: { 'Accept-Encoding': 'identity' } })).arrayBuffer()
  const { headers, bytes } = await fetchRaw('/docs/api-reference.js', { 'Accept-Encoding': 'gzip' })
  expect([headers['content-encoding'], String(headers['vary'])]).toEqual(['gzip', expect.stringContaining('Accept-Encoding')])
  expect(gunzipSync(bytes).equals(Buffer.from(plain))).toBe(true)
  expect(bytes.length).toBeLessThan(plain.byteLength / 2)
})

test('pages carry a strict content security policy and name no other site', async () => {
  verifies('deployment:page-headers')
  for (const path of ['/docs', '/docs/start.js', '/docs/api-reference.js']) {
    const { headers } = await rawRequest(server.url, `GET /${path}`)
    const policy = String(headers['content-security-policy'])
    expect(policy).toContain("default-src 'none'; script-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toMatch(/https?:|unsafe-eval|\*/)
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' })
  }
  expect((await rawRequest(server.url, 'GET //docs')).text).not.toMatch(/https?:\/\//)
})

test('/swagger leads to /docs where the setting says so, and is any path otherwise', async () => {
  verifies('deployment:api-reference')
  for (const path of ['/swagger', '/swagger/', '/swagger/index.html']) {
    const { status, headers } = await rawRequest(server.url, `GET /${path}`)
    expect([path, status, headers.location]).toEqual([path, 307, '/docs'])
  }
  expect((await rawRequest(server.url, 'GET //swagger/doc.json')).headers.location).toBe('/api/v2/openapi.json')
  const plain = await startTestServer()
  expect((await rawRequest(plain.url, 'GET //swagger')).headers.location).toBeUndefined()
  expect((await rawRequest(plain.url, 'GET //docs')).status).toBe(200)
  await plain.stop()
})

async function fetchRaw(path: string, headers: Record<string, string>) {
  return await new Promise<{ headers: IncomingHttpHeaders; bytes: Buffer }>((resolve, reject) => {
    request(`${server.url}${path}`, { headers }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => resolve({ headers: response.headers, bytes: Buffer.concat(chunks) }))
      response.on('error', reject)
    })
      .on('error', reject)
      .end()
  })
}
