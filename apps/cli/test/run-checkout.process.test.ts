import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { sourceHash } from '../scripts/source-hash.js'

const root = join(import.meta.dirname, '../../..')
const parts = ['bin/berth', 'package.json', 'apps/cli/package.json', 'apps/cli/scripts/run-checkout.js', 'apps/cli/scripts/source-hash.js']
const show = (what: string) => `console.log('${what}', process.argv.slice(2).join()); process.exitCode = 3\n`

/** A checkout of which only the launcher is real. */
let checkout: string
beforeEach(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'berth-checkout-'))
  for (const path of parts) await cp(join(root, path), join(checkout, path), { recursive: true })
  await mkdir(join(checkout, 'apps/cli/dist'))
  await mkdir(join(checkout, 'apps/cli/src'))
  await mkdir(join(checkout, 'node_modules'))
  await symlink(join(root, 'node_modules/tsx'), join(checkout, 'node_modules/tsx'))
  await mkdir(join(checkout, 'apps/cli/node_modules/@berth'), { recursive: true })
  await symlink(join(root, 'tooling/node-version'), join(checkout, 'apps/cli/node_modules/@berth/node-version'))
  await writeFile(join(checkout, 'apps/cli/src/main.ts'), show('sources'))
  await writeFile(join(checkout, 'apps/cli/dist/main.js'), show('built'))
  const paths = ['apps/cli/src/main.ts']
  await writeFile(join(checkout, 'apps/cli/dist/sources.json'), JSON.stringify({ paths, hash: sourceHash(checkout, paths) }))
})
afterEach(() => rm(checkout, { recursive: true }))

/** Runs `bin/berth a b` in another folder, as someone does who has it on PATH. */
async function berth(environment: Record<string, string> = {}): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const env = { PATH: `${join(checkout, 'bin')}:${process.env['PATH']}`, ...environment }
  return await new Promise((resolve) => {
    execFile('berth', ['a', 'b'], { env, cwd: tmpdir() }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }))
  })
}

test('the built command line runs as long as its sources are those it was built from', async () => {
  verifies('berth:cli:checkout')
  expect(await berth()).toEqual({ code: 3, stdout: 'built a,b\n', stderr: '' })
  await writeFile(join(checkout, 'apps/cli/src/main.ts'), show('changed sources'))
  expect(await berth()).toEqual({ code: 3, stdout: 'changed sources a,b\n', stderr: '' })
  await writeFile(join(checkout, 'apps/cli/src/main.ts'), show('sources'))
  expect((await berth()).stdout).toBe('built a,b\n')
})

test('without a build, the sources run', async () => {
  verifies('berth:cli:checkout')
  await rm(join(checkout, 'apps/cli/dist'), { recursive: true })
  expect(await berth()).toEqual({ code: 3, stdout: 'sources a,b\n', stderr: '' })
})

test('without a build and without packages, one line says what to run', async () => {
  verifies('berth:cli:checkout')
  await rm(join(checkout, 'apps/cli/dist'), { recursive: true })
  await rm(join(checkout, 'node_modules'), { recursive: true })
  const { code, stderr } = await berth()
  expect(code).toBe(1)
  expect(stderr).toMatch(/^Nothing is installed in .* yet\. Run this there first: npx -y pnpm@10 install\n$/)
})

test('an old Node.js is told which version it needs', async () => {
  verifies('berth:start:old-node')
  await rm(join(checkout, 'apps/cli/dist'), { recursive: true })
  const old = join(checkout, 'old.cjs')
  await writeFile(old, "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '14.21.3' } })")
  const { code, stdout, stderr } = await berth({ NODE_OPTIONS: `--require ${old}` })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^berth needs Node\.js [\d.]+ or later, and this is 14\.21\.3\. .*\n$/)
})

test('the script pnpm berth runs the same', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  expect(scripts['berth']).toBe('node apps/cli/scripts/run-checkout.js')
})
