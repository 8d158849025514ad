import { request as httpRequest, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { createEchoDriver, type Driver } from '@berth/provisioner'
import { echoArchive } from '@berth/provisioner/testing'
import { verifies } from '@berth/requirements'
import { ConnectionError } from '@berth/sdk'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { eventually } from './eventually.ts'
import { createVersion, importEnded } from './factories.ts'
import { runSql } from './run-sql.ts'
import { startAnotherServer } from './start-another-server.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

/** Stays, without workers, while servers beside it come and go. */
let server: TestServer
beforeEach(async () => {
  server = await startTestServer({ config: { provisionerDaemons: 0 } })
})
afterEach(async () => await server.stop())

async function startWorker(): Promise<void> {
  const worker = await startAnotherServer(server)
  onTestFinished(async () => await worker.stop())
}

test('a server that stops fails the job under way with a reason and takes no other; what waits is done by the next', async () => {
  verifies('rulings:restart-recovers-jobs')
  let entered = 0
  const driver: Driver = {
    ...createEchoDriver(),
    async parse({ signal }) {
      entered++
      return await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
    },
  }
  const stopping = await startAnotherServer(server, { config: { provisionerDaemons: 1 }, drivers: [driver] })
  const [running, waiting] = [await createVersion(server), await createVersion(server)]
  await eventually(async () => (entered > 0 ? true : undefined))
  await stopping.stop()
  const { job } = await server.client.templateVersions.get({ params: { templateversion: running.id } })
  expect(job).toMatchObject({ status: 'failed', error: 'provisioner daemon was shutdown gracefully' })
  expect(entered).toBe(1)
  expect((await server.client.templateVersions.get({ params: { templateversion: waiting.id } })).job.status).toBe('pending')
  await startWorker()
  expect((await importEnded(server.client, waiting.id)).job.status).toBe('succeeded')
})

test('what was acknowledged before a server stopped is there after it', async () => {
  verifies('berth:server:shutdown-loses-nothing')
  const stopping = await startAnotherServer(server)
  const acknowledged: string[] = []
  const { hash } = await server.client.files.upload({ body: echoArchive() })
  const stopRequested = new AbortController()
  const writers = [1, 2, 3].map(async () => {
    while (!stopRequested.signal.aborted) {
      const version = await stopping.client.templateVersions
        .create({
          params: { organization: server.firstUser.organization_id },
          body: { storage_method: 'file', file_id: hash, provisioner: 'echo' },
        })
        .catch(notSent)
      if (version !== undefined) acknowledged.push(version.id)
    }
  })
  await eventually(async () => (acknowledged.length > 20 ? true : undefined))
  const stopped = stopping.stop()
  stopRequested.abort()
  await Promise.all([stopped, ...writers])
  await startWorker()
  for (const id of acknowledged) {
    const { job } = await importEnded(server.client, id)
    expect([undefined, 'provisioner daemon was shutdown gracefully']).toContain(job.error)
  }
  const [orphans] = await runSql(
    server,
    'select count(*)::int as count from provisioner_jobs where started_at is not null and completed_at is null',
  )
  expect(orphans?.['count']).toBe(0)
})

/** A request whose connection was closing was never acknowledged. Every answer must be good. */
function notSent(error: unknown): undefined {
  if (!(error instanceof ConnectionError)) throw error
}

test('a request under way when the server stops is answered', async () => {
  verifies('berth:server:shutdown-loses-nothing')
  const stopping = await startAnotherServer(server)
  const archive = Buffer.from(echoArchive())
  const request = httpRequest(`${stopping.url}/api/v2/files`, {
    method: 'POST',
    headers: {
      'Coder-Session-Token': server.firstUser.token,
      'Content-Type': 'application/x-tar',
      'Content-Length': archive.length,
    },
  })
  const answered = new Promise<IncomingMessage>((resolve, reject) => request.once('response', resolve).once('error', reject))
  request.write(archive.subarray(0, 100))
  await new Promise<void>((resolve) => request.once('socket', (socket) => socket.once('connect', () => resolve())))
  // Answered after the first bytes of the other request have been read.
  await stopping.client.deployment.buildInfo()
  const stopped = stopping.stop()
  request.end(archive.subarray(100))
  const answer = await answered
  expect(answer.statusCode).toBe(201)
  const { hash } = JSON.parse(await text(answer)) as { hash: string } // of a 201
  await stopped
  const [file] = await runSql(server, 'select length(data)::int as length from files where id = $1', [hash])
  expect(file?.['length']).toBe(archive.length)
})
