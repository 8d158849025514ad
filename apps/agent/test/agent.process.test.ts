import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { verifies } from '@berth/requirements'
import { reportedVersion } from '@berth/schema/rules'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { agentToken, startAgentProcess, type AgentProcess } from './agent-process.ts'
import { buildAgent } from './build-agent.ts'
import { connectSsh, openCommand, runOverSsh } from './ssh-client.ts'
import { startStubServer, type StubServer } from './stub-server.ts'

let build: Awaited<ReturnType<typeof buildAgent>>
const agents: AgentProcess[] = []

beforeAll(async () => {
  build = await buildAgent()
})
afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.cleanUp()))
})
afterAll(() => build.remove())

async function start(
  prepare: (server: StubServer) => void = () => undefined,
  environment: Record<string, string> = {},
): Promise<AgentProcess> {
  const server = await startStubServer()
  prepare(server)
  const agent = await startAgentProcess({ entry: build.entry, server, environment })
  agents.push(agent)
  return agent
}

/**
 * Listens on the server's port and drops each connection, until `failures` attempts have failed.
 * Each failure makes the agent's next pause longer.
 */
async function dropConnections(port: number, failures: number): Promise<void> {
  let count = 0
  const listener = createServer((socket) => {
    count += 1
    socket.resetAndDestroy()
    if (count === failures) listener.close()
  }).listen(port, '127.0.0.1')
  await once(listener, 'close')
}

describe('the start', () => {
  test('gets the metadata, reports the version and then opens the tunnel, each with the token', async () => {
    verifies('berth:agent:version')
    const { server } = await start()
    await server.tunnel()
    expect(server.requests.map(({ method, path }) => `${method} ${path}`)).toEqual(['GET metadata', 'POST version', 'GET tunnel'])
    expect(new Set(server.requests.map(({ token }) => token))).toEqual(new Set([agentToken]))
    expect(server.requests[1]?.body).toEqual({ version: reportedVersion(manifest.version) })
  })

  test('reads the older names of its settings', async () => {
    const server = await startStubServer()
    const environment = { BERTH_AGENT_TOKEN: '', BERTH_AGENT_URL: '', CODER_AGENT_TOKEN: 'older', CODER_AGENT_URL: `${server.url}/` }
    agents.push(await startAgentProcess({ entry: build.entry, server, environment }))
    await server.tunnel()
    expect(server.requests[0]?.token).toBe('older')
  })

  test.each([
    [{ BERTH_AGENT_TOKEN: '' }, 'BERTH_AGENT_TOKEN is not set'],
    [{ BERTH_AGENT_URL: '' }, 'BERTH_AGENT_URL is not set'],
    [{ BERTH_AGENT_URL: 'nonsense' }, 'BERTH_AGENT_URL "nonsense" is not a web address'],
  ])('with %j says what is missing in one line and exits with 1', async (environment, problem) => {
    const agent = await start(undefined, environment)
    const [code] = (await once(agent.child, 'exit')) as [number]
    expect(code).toBe(1)
    expect(agent.log()).toMatch(new RegExp(`^berth-agent: ${problem}[^\\n]*\\n$`))
  })

  test('is patient with a token the server does not know yet', async () => {
    let refusals = 0
    const { server } = await start((stub) => {
      stub.refuse = (path) => (path === 'metadata' && (refusals += 1) <= 8 ? 401 : undefined)
    })
    await server.tunnel()
    const times = server.requests.filter(({ path }) => path === 'metadata').map(({ at }) => at)
    expect(times).toHaveLength(9)
    for (const [index, at] of times.slice(1).entries()) expect(at - (times[index] ?? 0)).toBeLessThan(1_000)
  })
})

describe('the connection', () => {
  test('is back within 2 s after the server returns', async () => {
    const { server } = await start()
    await server.tunnel()
    // Failures add up, so that the pauses have their full length from the first return on.
    for (const failures of [4, 2, 2]) {
      await server.goAway()
      await dropConnections(server.port, failures)
      await server.comeBack()
      const returnedAt = Date.now()
      const tunnel = await server.tunnel()
      expect(Date.now() - returnedAt).toBeLessThan(2_000)
      expect(await tunnel.ping()).toBeGreaterThanOrEqual(0)
    }
  })

  test('is not tried again at once when the build is outdated', async () => {
    const { server, log } = await start()
    await server.tunnel()
    server.socket()?.close(1001, 'build is outdated')
    await expect.poll(log, { timeout: 5_000 }).toContain('build is outdated')
    expect(Number(/build is outdated.*"try_again_in_ms":(\d+)/.exec(log())?.[1])).toBeGreaterThanOrEqual(10_000)
    expect(server.requests.filter(({ path }) => path === 'tunnel')).toHaveLength(1)
  })

  test('refreshes the metadata when it is back, without running the startup script again', async () => {
    const agent = await start((stub) => {
      stub.metadata['startup_script'] = 'echo ran >> "$HOME/runs"'
    })
    const old = await agent.server.tunnel()
    await expect.poll(() => existsSync(join(agent.home, 'runs'))).toBe(true)
    agent.server.metadata['environment_variables'] = { NEWS: 'fresh' }
    old.close()
    await expect.poll(() => agent.server.requests.filter(({ path }) => path === 'metadata').length, { timeout: 5_000 }).toBe(2)
    const client = await connectSsh(await agent.server.tunnel())
    await expect.poll(async () => (await runOverSsh(client, 'echo $NEWS')).stdout.toString()).toBe('fresh\n')
    expect(await readFile(join(agent.home, 'runs'), 'utf8')).toBe('ran\n')
    client.end()
  })
})

describe('the startup script', () => {
  test('runs in the user environment and directory; its output goes to a log nobody else can read', async () => {
    verifies('berth:agent:startup-script')
    const agent = await start((stub) => {
      stub.metadata['startup_script'] = 'echo "$COLOUR in $PWD"; echo problem >&2; exit 3'
      stub.metadata['environment_variables'] = { COLOUR: 'blue of $USER' }
      stub.metadata['directory'] = '/usr'
    })
    await expect.poll(agent.log, { timeout: 10_000 }).toContain('The startup script failed')
    const log = join(agent.home, '.berth', 'startup-script.log')
    expect(await readFile(log, 'utf8')).toBe('blue of alice in /usr\nproblem\n')
    expect(statSync(log).mode & 0o777).toBe(0o600)
    expect(agent.log()).toMatch(/"exit_code":3/)
  })

  test('is in the arguments of no process, which everyone on the machine sees', async () => {
    verifies('berth:secrets:sensitive-values')
    const agent = await start((stub) => {
      stub.metadata['startup_script'] = `: canary-5b1d; grep -sl canary-5b1d /proc/[0-9]*/cmdline; stat -c %a "$0"`
    })
    await expect.poll(agent.log, { timeout: 10_000 }).toContain('The startup script finished')
    const output = await readFile(join(agent.home, '.berth', 'startup-script.log'), 'utf8')
    // The search itself has the word in its arguments.
    expect(output).toMatch(/^(?:\/proc\/\d+\/cmdline\n)?600\n$/)
    await expect.poll(() => existsSync(join(agent.home, '.berth', 'startup-script'))).toBe(false)
  })

  test('may be longer than one argument of a process', async () => {
    const agent = await start((stub) => {
      stub.metadata['startup_script'] = `${'# a comment to make it long\n'.repeat(10_000)}echo long enough`
    })
    await expect.poll(agent.log, { timeout: 10_000 }).toContain('The startup script finished')
    expect(await readFile(join(agent.home, '.berth', 'startup-script.log'), 'utf8')).toBe('long enough\n')
  })
})

describe('reports', () => {
  test('the health of an app is reported when it changes', async () => {
    let status = 200
    const app = createHttpServer((_request, response) => response.writeHead(status).end()).listen(0, '127.0.0.1')
    await once(app, 'listening')
    const url = `http://127.0.0.1:${(app.address() as AddressInfo).port}/`
    const id = '6f3f2a57-3b2e-4b1f-9a43-0a1f6d3f9b11'
    const { server } = await start((stub) => {
      stub.metadata['apps'] = [{ id, slug: 'web', url, health: 'initializing', healthcheck: { url, interval: 1, threshold: 2 } }]
    })
    const reports = (): unknown[] => server.requests.filter(({ path }) => path === 'app-health').map(({ body }) => body)
    await expect.poll(reports, { timeout: 10_000 }).toEqual([{ Healths: { [id]: 'healthy' } }])
    status = 503
    await expect.poll(() => reports().at(-1), { timeout: 10_000 }).toEqual({ Healths: { [id]: 'unhealthy' } })
    status = 404
    await expect.poll(() => reports().at(-1), { timeout: 10_000 }).toEqual({ Healths: { [id]: 'healthy' } })
    expect(reports()).toHaveLength(3)
    app.close()
  })

  test('ports with a listener are listed once each, with the name of the program', async () => {
    const { server } = await start()
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    const answer = JSON.parse(await text(await (await server.tunnel()).dial('listening-ports'))) as { ports: { port: number }[] }
    expect(answer.ports.filter((entry) => entry.port === port)).toEqual([
      { port, network: 'tcp', process_name: expect.stringMatching(/.+/) as string },
    ])
    expect(new Set(answer.ports.map((entry) => entry.port)).size).toBe(answer.ports.length)
    listener.close()
  })

  test('where the network is shared, only ports of the workspace are listed, of sessions of their own too', async () => {
    verifies('berth:agent:own-ports')
    const foreign = createServer().listen(0, '127.0.0.1')
    await once(foreign, 'listening')
    const { server } = await start(undefined, { BERTH_AGENT_PORTS: 'marked', BERTH_WORKSPACE_ID: randomUUID() })
    const tunnel = await server.tunnel()
    const client = await connectSsh(tunnel)
    const script = `const s = require('net').createServer().listen(0, '127.0.0.1', () => console.log(s.address().port, process.pid + '.'))`
    const ports: number[] = []
    const pids: number[] = []
    // The last one drops its environment and is found by its ancestors.
    for (const prefix of ['', 'setsid --wait ', 'env -i setsid --wait ']) {
      const own = await openCommand(client, `${prefix}'${process.execPath}' -e "${script}"; :`)
      let said = ''
      own.on('data', (chunk: Buffer) => (said += chunk.toString()))
      await expect.poll(() => said, { timeout: 10_000 }).toMatch(/^\d+ \d+\./)
      const [port = 0, pid = 0] = said.split(' ').map((number) => Number.parseInt(number, 10))
      ports.push(port)
      pids.push(pid)
    }
    const answer = JSON.parse(await text(await tunnel.dial('listening-ports'))) as { ports: { port: number }[] }
    expect(answer.ports.map(({ port }) => port)).toEqual(ports.toSorted((a, b) => a - b))
    for (const pid of pids) process.kill(pid) // sessions of their own outlive the agent
    client.end()
    foreign.close()
  })

  test('a port of the workspace is reached, on either loopback address', async () => {
    const { server } = await start()
    const tunnel = await server.tunnel()
    for (const host of ['127.0.0.1', '::1']) {
      const listener = createServer({ allowHalfOpen: true }, (socket) => {
        let question = ''
        socket.on('data', (chunk) => (question += chunk.toString()))
        socket.on('end', () => socket.end(`${host} heard ${question}`))
      }).listen(0, host)
      await once(listener, 'listening')
      const stream = await tunnel.dial(`ports/${(listener.address() as AddressInfo).port}`)
      let answer = ''
      stream.on('data', (chunk: Buffer) => (answer += chunk.toString()))
      stream.end('hello')
      await once(stream, 'end')
      expect(answer).toBe(`${host} heard hello`)
      listener.close()
    }
  })
})

describe('the end', () => {
  test('on SIGTERM everything it started is ended and it exits with 0 within 3 s', async () => {
    const agent = await start((stub) => {
      stub.metadata['startup_script'] = 'trap "" HUP TERM; echo $$ > "$HOME/script-pid"; sleep 3333'
    })
    const tunnel = await agent.server.tunnel()
    const client = await connectSsh(tunnel)
    const stubborn = await openCommand(client, "trap '' HUP TERM; echo $$; sleep 3334; sleep 3334")
    const [line] = (await once(stubborn, 'data')) as [Buffer]
    const terminal = await tunnel.dial('pty?id=2f0a4a3e-30c1-44a8-8a4e-8f6f9d1b2c3d&command=echo%20pid%3D%24%24.%3B%20sleep%203335')
    let seen = ''
    terminal.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    await expect.poll(() => seen, { timeout: 10_000 }).toMatch(/pid=\d+\./)
    await expect.poll(() => existsSync(join(agent.home, 'script-pid'))).toBe(true)
    const pids = [line.toString(), /pid=(\d+)/.exec(seen)?.[1], await readFile(join(agent.home, 'script-pid'), 'utf8')].map(Number)
    const stoppedAt = Date.now()
    expect(await agent.stop()).toBe(0)
    expect(Date.now() - stoppedAt).toBeLessThan(3_000)
    for (const pid of pids) expect(existsSync(`/proc/${pid}`)).toBe(false)
  })

  test('its log never contains the token', async () => {
    const agent = await start((stub) => {
      stub.refuse = (path) => (path === 'tunnel' ? 500 : undefined)
    })
    await expect.poll(agent.log, { timeout: 5_000 }).toContain('refused the tunnel with 500')
    expect(agent.log()).not.toContain(agentToken)
  })
})
