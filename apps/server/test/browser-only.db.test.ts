import { randomUUID } from 'node:crypto'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectAgent, createAgent, endOf, openSocket, opened, statusBecomes } from './fake-agent.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({
    config: {
      browserOnly: true,
      accessUrl: 'https://berth.example.com:8443',
      wildcardAccessUrl: '*--apps.example.com',
      agentFallbackTroubleshootingUrl: 'https://help.example.com',
    },
  })
})
afterAll(async () => await server.stop())

test('where only browsers may connect, a program is refused before the upgrade, and the terminal works', async () => {
  verifies('provisioner:browser-only')
  const place = await createAgent(server)
  const agent = await connectAgent(server, place.token, ({ accept }) => void accept().end('welcome'))
  await statusBecomes(place, 'connected')
  const { token } = server.firstUser
  for (const path of ['coordinate', 'tunnel']) {
    const answer = await fetch(`${server.url}/api/v2/workspaceagents/${place.id}/${path}`, { headers: { 'Coder-Session-Token': token } })
    expect([answer.status, await answer.json()]).toEqual([
      409,
      { message: 'This deployment only allows connections to workspaces from a browser.' },
    ])
    await expect(opened(openSocket(server, `/workspaceagents/${place.id}/${path}`, token)), path).rejects.toThrow(/^409: /)
  }
  const terminal = openSocket(server, `/workspaceagents/${place.id}/pty?reconnect=${randomUUID()}`, token)
  const ended = endOf(terminal)
  let shown = ''
  terminal.on('message', (data: Buffer) => (shown += data.toString('utf8')))
  await opened(terminal)
  expect([(await ended).code, shown]).toEqual([1000, 'welcome'])
  await agent.close()
})

test('with host names for apps an agent is told where its ports are reached, with the scheme and the port of the access URL', async () => {
  verifies('agents:vscode-port-proxy')
  const { client, workspace } = await createAgent(server)
  const { vscode_port_proxy_uri } = await client.agents.metadata()
  expect(vscode_port_proxy_uri).toBe(`https://{{port}}--main--${workspace.name}--testuser--apps.example.com:8443`)
})

test('a page for troubleshooting that the deployment names is that of agents that name none', async () => {
  verifies('agents:troubleshooting-url')
  expect((await (await createAgent(server)).view()).troubleshooting_url).toBe('https://help.example.com')
})
