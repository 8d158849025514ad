import { execFile } from 'node:child_process'
import { readFile, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sourceHash } from '../scripts/source-hash.js'
import { buildBerth } from './build-berth.ts'
import { temporaryFolder } from './run-berth.ts'
import { startStubWorkspace } from './stub-workspace.ts'

const execute = promisify(execFile)
let build: Awaited<ReturnType<typeof buildBerth>>

beforeAll(async () => {
  build = await buildBerth()
})
afterAll(() => build.remove())

async function berth(words: readonly string[], environment: Record<string, string> = {}) {
  const home = await temporaryFolder()
  const running = execute(process.execPath, [build.entry, ...words], { env: { HOME: home, ...environment }, cwd: home })
  running.child.stdin?.end()
  return { ...(await running), home }
}

test('the bundle starts without any other package', async () => {
  const { stdout, stderr } = await berth(['version'])
  expect(stdout).toMatch(/^berth v\d+\.\d+\.\d+/)
  expect(stderr).toBe('')
})

test('the bundle says which sources it was built from', async () => {
  verifies('berth:cli:checkout')
  const stamp = await readFile(join(dirname(build.entry), 'sources.json'), 'utf8')
  const { paths, hash } = JSON.parse(stamp) as { paths: string[]; hash: string }
  expect(sourceHash(join(import.meta.dirname, '../../..'), paths)).toBe(hash)
  const expected = ['apps/cli/src/main.ts', 'apps/cli/src/commands/ssh.ts', 'packages/provisioner/templates/local-starter/template.yaml']
  expect(paths).toEqual(expect.arrayContaining(expected))
  expect(paths.filter((path) => /node_modules|^\.\.|\\/.test(path))).toEqual([])
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
