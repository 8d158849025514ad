import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import { transform } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../..')
const entries = [
  ['berth-server', 'apps/server/dist/main.js'],
  ['berth', 'apps/cli/dist/main.js'],
  ['Berth', 'tooling/node-version/src/check-start.js'],
] as const

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'berth-old-node-'))
  await writeFile(
    join(folder, 'old.cjs'),
    "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '14.21.3' } })",
  )
})
afterAll(() => rm(folder, { recursive: true }))

test.each(entries)('on an old Node.js, %s prints one line that says which version it needs', async (program, path) => {
  verifies('berth:start:old-node')
  const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { engines: { node: string } }
  const run = promisify(execFile)(process.execPath, ['--require', join(folder, 'old.cjs'), join(root, path), 'version'])
  await expect(run).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: `${program} needs Node.js ${engines.node.replace('>=', '')} or later, and this is 14.21.3. Install a newer one from https://nodejs.org.\n`,
  })
})

test.each([
  'apps/server/dist/main.js',
  'apps/cli/dist/main.js',
  'tooling/node-version/src/check-start.js',
  'tooling/node-version/src/node-complaint.js',
  'apps/cli/scripts/run-checkout.js',
  'apps/cli/scripts/source-hash.js',
])('Node.js 12 can parse %s', async (path) => {
  verifies('berth:start:old-node')
  const text = await readFile(join(root, path), 'utf8')
  // A file that needs no rewriting for a target uses only syntax that the target knows.
  const [old, latest] = await Promise.all(
    ['node12', 'esnext'].map((target) => transform(text, { target, format: 'esm', supported: { 'dynamic-import': true } })),
  )
  expect(old?.code).toBe(latest?.code)
  expect(text).not.toMatch(/'node:|"node:/)
})
