import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import type { Client } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { transform } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDeployment, type Deployment } from './deployment.ts'

const run = promisify(execFile)
const readmePath = fileURLToPath(new URL('../../../packages/sdk/README.md', import.meta.url))
/** Below this room, so that the packages that it declares are found by name. */
const here = fileURLToPath(new URL('.', import.meta.url))

let deployment: Deployment
let folder: string
beforeAll(async () => {
  deployment = await createDeployment()
  folder = await mkdtemp(join(here, '.sdk-readme-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await deployment.remove()
})

test('the examples of the README run, one after the other', async () => {
  verifies('berth:sdk:readme')
  const client = await deployment.signIn()
  await templateImported(client)
  const readme = await readFile(readmePath, 'utf8')
  const examples = [...readme.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, lines = '']) => lines)
  const written = examples.join('\n').replaceAll('https://berth.example.com', deployment.server.url)
  const { code } = await transform(`const token = process.env.TOKEN\n${written}`, { loader: 'ts', format: 'esm', target: 'node20' })
  const program = join(folder, 'program.mjs')
  await writeFile(program, code)
  const token = client.headers()['Coder-Session-Token']
  const { stdout } = await run(process.execPath, [program], { env: { PATH: process.env['PATH'], TOKEN: token } })
  expect(stdout).toContain('dev is running')
  expect((await client.workspaces.list()).workspaces).toEqual([])
})

/** The first user's templates are imported in the background. */
async function templateImported(client: Client): Promise<void> {
  const [organization] = await client.organizations.listOfUser({ params: { user: 'me' } })
  await eventually(async () => (await client.templates.list({ params: { organization: organization?.id ?? '' } }))[0])
}
