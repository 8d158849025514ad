import { createArchive, starterTemplates } from '@berth/provisioner'
import { echoArchive, type EchoResponses } from '@berth/provisioner/testing'
import { verifies } from '@berth/requirements'
import type { TemplateVersion } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from './eventually.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

/** An import plays no apply: what that holds is weight alone. */
const heavy = (bytes: number): EchoResponses => ({ plan: [{ complete: {} }], apply: [{ complete: { state: new Uint8Array(bytes) } }] })

async function importOf(archive: Uint8Array, provisioner: 'echo' | 'berth' | 'terraform'): Promise<TemplateVersion> {
  const { hash } = await server.client.files.upload({ body: archive })
  const { id } = await server.client.templateVersions.create({
    params: { organization: server.firstUser.organization_id },
    body: { storage_method: 'file', file_id: hash, provisioner },
  })
  return await eventually(async () => {
    const version = await server.client.templateVersions.get({ params: { templateversion: id } })
    return version.job.completed_at === undefined ? undefined : version
  })
}

test.each(['berth', 'terraform'] as const)('a job for a provisioner that no worker has (%s) fails and says so', async (provisioner) => {
  verifies('provisioner:no-driver')
  // The server of this test has the echo provisioner alone.
  const [starter] = await starterTemplates()
  const { job } = await importOf(await createArchive(starter?.directory ?? ''), provisioner)
  expect(job).toMatchObject({ status: 'failed', error: `no provisioner ${provisioner}` })
})

test('a job with more than 4 MiB fails and says how much it is', async () => {
  verifies('provisioner:payload')
  const small = await importOf(echoArchive(heavy(3_900_000)), 'echo')
  expect(small.job).toMatchObject({ status: 'succeeded' })
  const { job } = await importOf(echoArchive(heavy(4_200_000)), 'echo')
  expect(job).toMatchObject({
    status: 'failed',
    error: expect.stringMatching(/^payload was too big: 42\d{5} bytes, and at most 4194304 are allowed/),
  })
})
