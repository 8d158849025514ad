import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDeployment, type Deployment } from './deployment.ts'

const root = join(import.meta.dirname, '../../..')

let deployment: Deployment
beforeAll(async () => {
  deployment = await createDeployment()
})
afterAll(async () => {
  await type('bin/berth delete other -y') // removing the deployment signs in as another user
  await deployment.remove()
})

/** Runs lines as a newcomer types them, and ends at the first that fails. */
async function type(script: string): Promise<string> {
  const env = { PATH: process.env['PATH'], HOME: deployment.homeDirectory, LANG: 'C.UTF-8' }
  return await new Promise((resolve, reject) => {
    const child = execFile('bash', ['-euc', script], { env, cwd: root }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${stdout}${stderr}`, { cause: error }))
    })
    child.stdin?.end()
  })
}

test('what the README says to type in the first five minutes works', async () => {
  verifies('berth:start:readme')
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const [, minutes = ''] = /^## The first five minutes\n([\s\S]*?)^## /m.exec(readme) ?? []
  const [first = '', ...more] = [...minutes.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, lines = '']) => lines)
  expect(first).toContain('http://127.0.0.1:3000')
  expect(more).toHaveLength(2)
  // Only the first block depends on the folder it is typed in. The others write to where they are.
  const said = await type(
    [first.replace('http://127.0.0.1:3000', deployment.server.url), `cd ${deployment.homeDirectory}`, ...more].join('\n'),
  )
  expect(said).toContain('Welcome, you!')
  expect(said).toMatch(/^Linux /m)
  expect(said).toContain('Deleted the workspace dev.')
  expect(said).toContain('berth ssh other')
})
