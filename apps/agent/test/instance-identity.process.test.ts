import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifies } from '@berth/requirements'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { startAgentProcess, type AgentProcess } from './agent-process.ts'
import { buildAgent } from './build-agent.ts'
import { instanceToken, startStubServer } from './stub-server.ts'

/* Stands for the metadata services of three clouds, by their published paths and headers. */

interface Asked {
  readonly line: string
  readonly headers: IncomingHttpHeaders
}

let build: Awaited<ReturnType<typeof buildAgent>>
let agent: AgentProcess | undefined
let asked: Asked[] = []
const answers: Record<string, string> = {
  '/computeMetadata/v1/instance/service-accounts/default/identity': 'a.web.token',
  '/latest/api/token': 'metadata-token',
  '/latest/dynamic/instance-identity/document': '{"instanceId":"i-1"}',
  '/latest/dynamic/instance-identity/signature': 'signed\nin lines\n',
  '/metadata/attested/document': '{"encoding":"pkcs7","signature":"attested"}',
}
const metadata = createServer((request, response) => {
  const { pathname } = new URL(request.url ?? '', 'http://metadata')
  asked.push({ line: `${request.method} ${request.url}`, headers: request.headers })
  response.statusCode = pathname in answers ? 200 : 404
  response.end(answers[pathname])
})

beforeAll(async () => {
  build = await buildAgent()
  metadata.listen(0, '127.0.0.1')
  await once(metadata, 'listening')
})
afterEach(async () => {
  await agent?.cleanUp()
  agent = undefined
  asked = []
})
afterAll(async () => {
  metadata.closeAllConnections()
  metadata.close()
  await build.remove()
})

async function start(auth: string, refusals = 0): Promise<AgentProcess> {
  const server = await startStubServer()
  let left = refusals
  server.refuse = (path) => (path.endsWith(auth) && left-- > 0 ? 404 : undefined)
  const metadataUrl = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`
  const environment = { BERTH_AGENT_TOKEN: '', CODER_AGENT_AUTH: auth, BERTH_INSTANCE_METADATA_URL: metadataUrl }
  agent = await startAgentProcess({ entry: build.entry, server, environment })
  return agent
}

test.each([
  ['google-instance-identity', { json_web_token: 'a.web.token' }],
  ['aws-instance-identity', { document: '{"instanceId":"i-1"}', signature: 'signed\nin lines' }],
  ['azure-instance-identity', { encoding: 'pkcs7', signature: 'attested' }],
])('with %s the agent sends the proof of its machine and goes on with the token it gets', async (auth, proof) => {
  verifies('deployment:agent-bootstrap')
  const { server } = await start(auth)
  await server.tunnel()
  const [first, ...others] = server.requests
  expect(first).toMatchObject({ method: 'POST', path: `/api/v2/workspaceagents/${auth}`, body: proof })
  expect(new Set(others.map(({ token }) => token))).toEqual(new Set([instanceToken]))
})

test("each cloud's metadata service is asked in its own way", async () => {
  await (await start('google-instance-identity')).server.tunnel()
  expect(asked).toMatchObject([
    {
      line: 'GET /computeMetadata/v1/instance/service-accounts/default/identity?audience=coder&format=full',
      headers: { 'metadata-flavor': 'Google' },
    },
  ])
  await agent?.cleanUp()
  asked = []
  await (await start('aws-instance-identity')).server.tunnel()
  expect(asked[0]).toMatchObject({ line: 'PUT /latest/api/token', headers: { 'x-aws-ec2-metadata-token-ttl-seconds': '21600' } })
  expect(asked.slice(1).map(({ headers }) => headers['x-aws-ec2-metadata-token'])).toEqual(['metadata-token', 'metadata-token'])
  await agent?.cleanUp()
  asked = []
  await (await start('azure-instance-identity')).server.tunnel()
  expect(asked).toMatchObject([
    {
      line: expect.stringMatching(/^GET \/metadata\/attested\/document\?api-version=[\d-]+&nonce=\d{10}$/) as string,
      headers: { metadata: 'true' },
    },
  ])
})

test('a machine that the server does not know yet tries again, and logs why', async () => {
  const { server, log } = await start('aws-instance-identity', 1)
  await server.tunnel()
  expect(server.requests.filter(({ path }) => path.endsWith('aws-instance-identity'))).toHaveLength(2)
  expect(log()).toContain('answered with 404: Refused by the test.')
})
