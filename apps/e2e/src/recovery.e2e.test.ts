import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { verifies } from '@berth/requirements'
import { ApiError, ConnectionError, followLogs, type Client } from '@berth/sdk'
import { eventually } from '@berth/server/testing'
import { runs } from '@berth/vitest/fuzz'
import { describe, expect, test } from 'vitest'
import { createDeployment, type Deployment } from './deployment.ts'

/*
 * The server or its database is killed at every step of a stop and of a start. Each build must then
 * end within half a minute, with success or with a reason. The workspace must be usable again, and
 * everything the server acknowledged must still be there.
 */

const PATIENCE_MS = 30_000

describe.concurrent('killed during a build', () => {
  // Two deployments share the moments, because each kill costs seconds until the job's lease ends.
  test.each([[[0, 1, 2]], [[3, 4]]])(
    'a server, after %j lines of its log, loses nothing and leaves no workspace stuck',
    { timeout: 600_000 },
    async (moments) => {
      verifies('berth:jobs:restart-recovery')
      await killRounds(moments, async (deployment) => {
        await deployment.server.kill()
        await deployment.restart()
      })
    },
  )

  test('a database loses nothing and leaves no workspace stuck', { timeout: 600_000 }, async () => {
    verifies('berth:database:survives-kill')
    await killRounds([0, 1, 2, 3, 4], async ({ dataDirectory }) => {
      process.kill(await databasePid(dataDirectory), 'SIGKILL')
    })
  })
})

/**
 * For each moment, kills during a stop and during a start, once the build has logged that many
 * lines. A build that logs fewer lines has ended by then.
 */
async function killRounds(moments: readonly number[], kill: (deployment: Deployment) => Promise<void>): Promise<void> {
  const deployment = await createDeployment()
  try {
    const client = await deployment.signIn()
    const { workspace, organization } = await createWorkspace(client)
    const rounds = Array.from({ length: runs(moments.length * 2) }, (_, index) => index)
    for (const round of rounds) {
      const transition = round % 2 === 0 ? 'stop' : 'start'
      const email = `round-${round}@example.com`
      const user = await client.users.create({
        body: { email, username: `round-${round}`, password: 'long enough', organization_id: organization },
      })
      const build = await client.builds.create({ params: { workspace }, body: { transition } })
      await logHas(client, build.id, moments[Math.floor(round / 2) % moments.length] ?? 0)
      await kill(deployment)
      const ended = await buildEnded(client, build.id)
      expect(ended.build_number).toBe(build.build_number)
      expect(['succeeded', 'failed']).toContain(ended.job.status)
      if (ended.job.status === 'failed') expect(ended.job.error).toMatch(/\w+ \w+/)
      const kept = await answered(async () => await client.users.get({ params: { user: user.id } }))
      expect(kept.username).toBe(`round-${round}`)
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
  } finally {
    await deployment.remove()
  }
}

/** Waits until the log of a build has so many lines, or is complete. */
async function logHas(client: Client, build: string, lines: number): Promise<void> {
  let count = 0
  if (lines === 0) return
  for await (const _ of followLogs(client, { build })) if (++count === lines) return
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

/** Repeats a request until the server answers, as clients do across a restart. A refusal counts. */
async function answered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  return await eventually(
    async () => {
      try {
        return await ask()
      } catch (error) {
        if (ConnectionError.is(error) || ApiError.is(error, 503)) return undefined
        throw error
      }
    },
    { timeoutMs: PATIENCE_MS },
  )
}

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
  const build = await answered(async () => await client.builds.create({ params: { workspace }, body: { transition } }))
  const ended = await buildEnded(client, build.id)
  expect(ended.job.error).toBeUndefined()
}

/** The server of the embedded database writes its process ID into the first line of this file. */
async function databasePid(dataDirectory: string): Promise<number> {
  const folder = (await readdir(dataDirectory)).find((name) => name.startsWith('postgres-') && !name.includes('binaries')) ?? ''
  const [pid] = (await readFile(join(dataDirectory, folder, 'postmaster.pid'), 'utf8')).split('\n')
  return Number(pid)
}
