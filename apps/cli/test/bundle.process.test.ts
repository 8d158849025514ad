import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { temporaryFolder } from './run-berth.ts'
import { startStubWorkspace } from './stub-workspace.ts'

const execute = promisify(execFile)
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-bundle-'))
  await execute(process.execPath, [fileURLToPath(new URL('../scripts/build.mjs', import.meta.url)), folder])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

async function berth(words: readonly string[], environment: Record<string, string> = {}) {
  const home = await temporaryFolder()
  const running = execute(process.execPath, [join(folder, 'main.js'), ...words], { env: { HOME: home, ...environment }, cwd: home })
  running.child.stdin?.end()
  return { ...(await running), home }
}

test('the bundle starts without any other package', async () => {
  const { stdout, stderr } = await berth(['version'])
  expect(stdout).toMatch(/^berth v\d+\.\d+\.\d+/)
  expect(stderr).toBe('')
})

test('the bundle comes with the starter templates', async () => {
  const { home } = await berth(['templates', 'init', 'local-starter'])
  expect(await readdir(join(home, 'local-starter'))).toContain('template.yaml')
})

test('the bundle connects to a workspace', async () => {
  const far = await startStubWorkspace()
  try {
    const { stdout, stderr } = await berth(['ssh', 'dev', '--', 'echo in'], { BERTH_URL: far.url, BERTH_SESSION_TOKEN: 'secret' })
    expect({ stdout, stderr }).toEqual({ stdout: 'in\n', stderr: '' })
  } finally {
    await far.close()
  }
})
