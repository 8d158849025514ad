import { once } from 'node:events'
import { TunnelRefusal, encodeFrame, readJsonLine, type TunnelRequest } from '@berth/tunnel'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectAgent, createAgent, endOf, openSocket, opened, statusBecomes, type AgentPlace, type FakeAgent } from './fake-agent.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
let place: AgentPlace
let agent: FakeAgent
/** What the agent does with the next call. */
let answer: (request: TunnelRequest) => void | Promise<void>
beforeAll(async () => {
  server = await startTestServer()
  place = await createAgent(server)
  agent = await connectAgent(server, place.token, async (request) => await answer(request))
  await statusBecomes(place, 'connected')
})
afterAll(async () => {
  await agent.close()
  await server.stop()
})

/** Lets the agent read a call, answer it with text, and end. */
const says = (text: string | Buffer) => {
  answer = async ({ accept }) => {
    const stream = accept()
    await readJsonLine(stream, 1_000_000)
    stream.end(text)
    stream.resume()
  }
}
const params = () => ({ workspaceagent: place.id })
const exec = async () => await server.client.processes.exec({ params: params(), body: { command: ['true'] } })
const stat = async () => await server.client.workspaceFiles.stat({ params: params(), query: { path: 'x' } })
const file = { name: 'x', path: '/x', kind: 'file', size: 1, mode: '644', modified_at: '2026-01-01T00:00:00Z' }
const executed = { exit_code: 0, signal: '', timed_out: false, stdout_truncated: false, stderr_truncated: false }

describe('an agent that answers', () => {
  test.each([
    ['nothing', ''],
    ['half a line', '{"ok":'],
    ['a line that is not JSON', 'no\n'],
    ['something else than an object', '5\n'],
    ['neither success nor failure', '{}\n'],
    ['an unknown failure', '{"failure":"signed_out","message":"x"}\n'],
    ['the answer to another question', '{"ok":{}}\n'],
    ['a field of another type', `${JSON.stringify({ ok: { ...file, size: '1' } })}\n`],
  ])('%s is 502', async (_, text) => {
    verifies('berth:files:hostile-agent')
    says(text)
    await expect(stat()).rejects.toMatchObject({ status: 502, message: expect.stringContaining('The agent did not answer') })
  })

  test('with keys that nobody asked for has them dropped', async () => {
    verifies('berth:files:hostile-agent')
    says(`${JSON.stringify({ ok: { ...file, secret: 'x' } })}\n`)
    expect(await stat()).toEqual(file)
  })

  test('with a failure of its own has it passed on, shortened', async () => {
    verifies('berth:files:refused')
    says(`${JSON.stringify({ failure: 'path_not_found', message: 'y'.repeat(5000) })}\n`)
    await expect(stat()).rejects.toMatchObject({ status: 404, message: 'y'.repeat(1000) })
  })

  test.each([
    ['fewer bytes than it announced', 5, 'abc'],
    ['more bytes than it announced', 2, 'abc'],
    ['a negative number of bytes', -1, ''],
    ['far more bytes than are allowed', 1e12, ''],
  ])('exec with %s is 502', async (_, stdout_bytes, bytes) => {
    verifies('berth:files:hostile-agent')
    says(`${JSON.stringify({ ok: { ...executed, stdout_bytes, stderr_bytes: 0 } })}\n${bytes}`)
    await expect(exec()).rejects.toMatchObject({ status: 502 })
  })

  test('that refuses or breaks off is 502', async () => {
    verifies('berth:files:hostile-agent')
    answer = () => {
      throw new TunnelRefusal(404, 'The agent does not know the target "call". It may be older than the server.')
    }
    await expect(exec()).rejects.toMatchObject({ status: 502, detail: expect.stringContaining('older than the server') })
    answer = ({ accept }) => void accept().destroy()
    await expect(exec()).rejects.toMatchObject({ status: 502 })
  })

  test('with a file that breaks off has the connection cut', async () => {
    verifies('berth:files:content', 'berth:files:hostile-agent')
    answer = async ({ accept }) => {
      const stream = accept()
      await readJsonLine(stream, 1_000_000)
      stream.write('{"ok":{"size":10}}\nhalf')
      // The reset overtakes nothing that the server has read.
      await new Promise((resolve) => setImmediate(resolve))
      stream.destroy()
    }
    const reading = server.client.workspaceFiles.read({ params: params(), query: { path: 'x' } })
    await expect(reading).rejects.toMatchObject({ name: expect.stringMatching(/^(?:ConnectionError|ApiError)$/) })
  })

  test('a watch with something else than an event ends it', async () => {
    verifies('berth:files:hostile-agent')
    says('{"ok":{}}\n{"changes":[],"missed":false}\n{"changes":5}\n')
    const response = await server.client.fetch(`/workspaceagents/${place.id}/files/watch`, { query: { path: 'x' } })
    expect(await response.text()).toMatch(/^event: ping\n\nevent: data\ndata: \{"changes":\[\],"missed":false\}\n\n$/)
  })

  test('a process with a frame that is too long closes its socket', async () => {
    verifies('berth:files:hostile-agent')
    const process = {
      id: 'p',
      command: ['x'],
      cwd: '/',
      pid: 1,
      has_terminal: false,
      detached: false,
      clients: 0,
      output_bytes: 0,
      started_at: file.modified_at,
    }
    const header = encodeFrame(1, Buffer.alloc(0))
    header.writeUInt32BE(0xffffffff, 1)
    says(Buffer.concat([Buffer.from(`${JSON.stringify({ ok: process })}\n`), header]))
    const socket = openSocket(server, `/workspaceagents/${place.id}/exec`, server.firstUser.token)
    const ended = endOf(socket)
    await opened(socket)
    socket.send(JSON.stringify({ command: ['x'] }))
    expect((await ended).code).toBe(1011)
  })
})

test('the agent gets what the client asked for, checked and completed', async () => {
  verifies('berth:exec:answer')
  let call: unknown
  answer = async ({ accept }) => {
    const stream = accept()
    call = await readJsonLine(stream, 1_000_000)
    stream.end(`${JSON.stringify({ ok: { ...executed, stdout_bytes: 2, stderr_bytes: 1 } })}\noke`)
    stream.resume()
  }
  const done = await server.client.processes.exec({ params: params(), body: { command: ['a'], stdin: 'x', timeout_ms: 600_000 } })
  expect(done).toEqual({ ...executed, stdout: 'ok', stderr: 'e' })
  expect(call).toEqual({
    op: 'processes.exec',
    request: { command: ['a'], cwd: '', env: {}, stdin: 'eA==', timeout_ms: 600_000, max_output_bytes: 1024 * 1024 },
  })
})

test('a client that leaves ends the call', async () => {
  verifies('berth:exec:bounds')
  const called = new Promise<void>((resolve) => {
    answer = async ({ accept, signal }) => {
      accept().on('error', () => undefined)
      leaving.abort()
      await once(signal, 'abort')
      resolve()
    }
  })
  const leaving = new AbortController()
  const call = server.client.processes.exec({ params: params(), body: { command: ['true'] } }, { signal: leaving.signal })
  await expect(call).rejects.toThrow()
  await called
})

test('without its agent a workspace answers 428', async () => {
  verifies('berth:exec:access')
  const { id } = await createAgent(server)
  const other = { workspaceagent: id }
  await expect(server.client.processes.exec({ params: other, body: { command: ['true'] } })).rejects.toMatchObject({ status: 428 })
  await expect(server.client.workspaceFiles.list({ params: other, query: { path: '.' } })).rejects.toMatchObject({ status: 428 })
  await expect(opened(openSocket(server, `/workspaceagents/${id}/exec`, server.firstUser.token))).rejects.toThrow(/^428: /)
})
