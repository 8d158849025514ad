import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startAgentProcess } from './agent-process.ts'
import { buildAgent } from './build-agent.ts'
import { connectSsh, runOverSsh } from './ssh-client.ts'

const run = promisify(execFile)
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const nothing = { env: {}, cwd: '/' }

let folder: string
let executable: string
beforeAll(async () => {
  const build = await buildAgent()
  folder = await mkdtemp(join(tmpdir(), 'berth-agent-binary-'))
  executable = join(folder, 'coder-test')
  await run(process.execPath, [join(dirname(build.entry), 'make-binary.js'), executable], nothing)
  await build.remove() // it must not need the files it was built from
}, 120_000)
afterAll(async () => await rm(folder, { recursive: true, force: true }))

test('the executable runs by itself, with everything the agent has', async () => {
  verifies('deployment:agent-bootstrap')
  const agent = await startAgentProcess({ entry: { executable } })
  try {
    const tunnel = await agent.server.tunnel()
    const client = await connectSsh(tunnel)
    expect(await runOverSsh(client, 'echo $((40+2)); exit 7')).toMatchObject({ stdout: Buffer.from('42\n'), code: 7 })
    client.end()
    const terminal = await tunnel.dial('pty?id=6dbd4b1b-3a35-4fd5-9e8a-6bb0f6f4b1ce&height=24&width=80')
    let seen = ''
    terminal.on('data', (chunk: Buffer) => (seen += chunk.toString()))
    terminal.write(`${JSON.stringify({ data: 'stty size\r' })}\n`)
    await expect.poll(() => seen, { timeout: 10_000 }).toContain('24 80')
    terminal.destroy()
    expect(agent.log()).not.toContain('Warning')
    expect(await agent.stop()).toBe(0)
  } finally {
    await agent.cleanUp()
  }
})

test('it prints its version and its commands, and refuses unknown ones', async () => {
  expect((await run(executable, ['version'], nothing)).stdout).toMatch(/^v0\.13\.4\+berth\.\d+\.\d+\.\d+\n$/)
  expect((await run(executable, ['help'], nothing)).stdout).toContain('CODER_AGENT_URL')
  await expect(run(executable, ['agnet'], nothing)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('"agnet"') as string })
  await expect(run(executable, [], nothing)).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('agent') as string })
})

test('a compressed copy is beside it, and nothing else is left of the build', async () => {
  expect(await readdir(folder)).toEqual(['coder-test', 'coder-test.gz'])
  expect(hash(gunzipSync(await readFile(`${executable}.gz`)))).toBe(hash(await readFile(executable)))
})
