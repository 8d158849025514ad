import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifies } from '@berth/requirements'
import type { Client } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDeployment, type Deployment } from './deployment.ts'

/*
 * The server or its database is ended the hard way at a random moment of a build, twenty times each. A build then ends within half a minute, well or with a reason; the
 * workspace can be used again; and whatever was acknowledged is still there.
 */

const ROUNDS = 20
const PATIENCE_MS = 30_000

let deployment: Deployment
beforeEach(async () => {
  deployment = await createDeployment()
})
afterEach(async () => await deployment.remove())

test('a server killed during a build loses nothing and leaves no workspace stuck', { timeout: 600_000 }, async () => {
  verifies('berth:jobs:restart-recovery')
  await killRounds(async () => {
    await deployment.server.kill()
    await deployment.restart()
  })
})

test('a database killed during a build loses nothing and leaves no workspace stuck', { timeout: 600_000 }, async () => {
  verifies('berth:database:survives-kill')
  await killRounds(async () => {
    process.kill(await databasePid(deployment.dataDirectory), 'SIGKILL')
  })
})

async function killRounds(kill: () => Promise<void>): Promise<void> {
  const client = await deployment.signIn()
  const { workspace, organization } = await createWorkspace(client)
  for (let round = 0; round < ROUNDS; round++) {
    const transition = round % 2 === 0 ? 'stop' : 'start'
    const email = `round-${round}@example.com`
    const user = await client.users.create({
      body: { email, username: `round-${round}`, password: 'long enough', organization_id: organization },
    })
    const build = await client.builds.create({ params: { workspace }, body: { transition } })
    await sleep(Math.random() * 500)
    await kill()
    const ended = await buildEnded(client, build.id)
    expect(ended.build_number).toBe(build.build_number)
    expect(['succeeded', 'failed']).toContain(ended.job.status)
    if (ended.job.status === 'failed') expect(ended.job.error).toMatch(/\w+ \w+/)
    expect((await client.users.get({ params: { user: user.id } })).username).toBe(`round-${round}`)
    if (ended.job.status === 'failed') await rebuild(client, workspace, transition)
  }
  await rebuild(client, workspace, 'start')
  await eventually(
    async () => {
      const { latest_build } = await client.workspaces.get({ params: { workspace } })
      const agents = latest_build.resources.flatMap((resource) => resource.agents ?? [])
      return agents.some(({ status }) => status === 'connected') ? true : undefined
    },
    { timeoutMs: PATIENCE_MS },
  )
}

async function createWorkspace(client: Client): Promise<{ workspace: string; organization: string }> {
  const [organization] = await client.organizations.listOfUser({ params: { user: 'me' } })
  const organizationId = organization?.id ?? ''
  const template = await eventually(async () => {
    const [candidate] = await client.templates.list({ params: { organization: organizationId } })
    if (candidate === undefined) return undefined
    const { job } = await client.templateVersions.get({ params: { templateversion: candidate.active_version_id } })
    return job.status === 'succeeded' ? candidate : undefined
  })
  const { id, latest_build } = await client.workspaces.create({
    params: { organization: organizationId, user: 'me' },
    body: { template_id: template.id, name: 'dev' },
  })
  expect((await buildEnded(client, latest_build.id)).job.error).toBeUndefined()
  return { workspace: id, organization: organizationId }
}

/** Asks as a client does that rides out a restart: what could not be answered is asked again. */
async function buildEnded(client: Client, workspacebuild: string) {
  return await eventually(
    async () => {
      const build = await client.builds.get({ params: { workspacebuild } }).catch(() => undefined)
      return build?.job.completed_at === undefined ? undefined : build
    },
    { timeoutMs: PATIENCE_MS },
  )
}

async function rebuild(client: Client, workspace: string, transition: 'start' | 'stop'): Promise<void> {
  const build = await client.builds.create({ params: { workspace }, body: { transition } })
  const ended = await buildEnded(client, build.id)
  expect(ended.job.error).toBeUndefined()
}

/** The server of the embedded database writes its process ID into the first line of this file. */
async function databasePid(dataDirectory: string): Promise<number> {
  const folder = (await readdir(dataDirectory)).find((name) => name.startsWith('postgres-') && !name.includes('binaries')) ?? ''
  const [pid] = (await readFile(join(dataDirectory, folder, 'postmaster.pid'), 'utf8')).split('\n')
  return Number(pid)
}
