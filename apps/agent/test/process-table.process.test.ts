import { tmpdir } from 'node:os'
import { PassThrough } from 'node:stream'
import { verifies } from '@berth/requirements'
import { endedProcessKeptMs, maxProcesses } from '@berth/schema/rules'
import { afterAll, expect, test } from 'vitest'
import { ProcessSessions } from '../src/process-sessions.ts'
import { ProcessTable } from '../src/processes/process-table.ts'
import { Workspace } from '../src/workspace.ts'

const sessions = new ProcessSessions((pid, signal) => process.kill(pid, signal))
afterAll(async () => await sessions.endAll(100))

const workspace = new Workspace({
  account: { username: 'dev', home: tmpdir(), shell: '/bin/sh' },
  environment: { PATH: process.env['PATH'] },
  isDirectory: () => true,
})

/** A table whose timers the test fires. */
function createTable() {
  const expiries: { action: () => void; delayMs: number }[] = []
  const timers = {
    setTimeout: (action: () => void, delayMs: number) => {
      const entry = { action, delayMs }
      expiries.push(entry)
      return { cancel: () => void expiries.splice(expiries.indexOf(entry), 1) }
    },
  }
  return { table: new ProcessTable({ workspace, sessions, timers }), expiries }
}

test('the number of processes is limited, and ended ones make room', async () => {
  verifies('berth:processes:bounds')
  const { table } = createTable()
  const started = await Promise.all(
    Array.from({ length: maxProcesses }, async () => await table.start({ command: ['cat'], detached: true })),
  )
  const refusal = { code: 'workspace_busy', message: '100 processes run in this workspace. End some of them.' }
  await expect(table.start({ command: ['true'] })).rejects.toMatchObject(refusal)
  const request = { command: ['true'], cwd: '', env: {}, stdin: '', timeout_ms: 10_000, max_output_bytes: 10 }
  await expect(table.exec(request, new AbortController().signal)).rejects.toMatchObject(refusal)
  table.remove(started[0]?.id ?? '')
  expect((await table.exec(request, new AbortController().signal)).answer).toMatchObject({ exit_code: 0 })
  // The next one ends, stays listed, and makes room when there is none.
  const [, second] = started
  const client = new PassThrough()
  second?.attach(client, 0)
  second?.signal('SIGKILL')
  client.resume()
  await new Promise((resolve) => client.once('end', resolve))
  await table.start({ command: ['cat'], detached: true })
  expect(table.list().map(({ id }) => id)).toContain(second?.id)
  await table.start({ command: ['cat'], detached: true })
  expect(table.list().map(({ id }) => id)).not.toContain(second?.id)
})

test('an ended process is forgotten after a while', async () => {
  verifies('berth:processes:ended')
  const { table, expiries } = createTable()
  const { id } = await table.start({ command: ['true'], detached: true })
  await expect.poll(() => expiries.length).toBe(1)
  expect(table.get(id).describe()).toMatchObject({ exit_code: 0 })
  expect(expiries[0]?.delayMs).toBe(endedProcessKeptMs)
  expiries[0]?.action()
  expect(() => table.get(id)).toThrow(`There is no process "${id}".`)
})
