import { TunnelRefusal, type TerminalTarget } from '@berth/tunnel'
import { Duplex } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { ProcessSessions } from '../process-sessions.ts'
import type { Terminal, TerminalOptions } from '../terminal.ts'
import type { Timers } from '../timers.ts'
import { Workspace } from '../workspace.ts'
import { maxTerminals, TerminalSessions, unattachedMs } from './terminal-sessions.ts'

/** Timers that the test fires. */
function heldTimers(): Timers & { pending: { action: () => void; delayMs: number }[]; fire: (delayMs: number) => void } {
  const pending: { action: () => void; delayMs: number }[] = []
  return {
    pending,
    setTimeout: (action, delayMs) => {
      const entry = { action, delayMs }
      pending.push(entry)
      return { cancel: () => void (pending.includes(entry) && pending.splice(pending.indexOf(entry), 1)) }
    },
    fire: (delayMs) => {
      for (const entry of pending.filter((each) => each.delayMs === delayMs)) entry.action()
    },
  }
}

function sessionsWithFakeTerminals() {
  const timers = heldTimers()
  const started: TerminalOptions[] = []
  const calls: string[] = []
  const terminals = new TerminalSessions({
    timers,
    workspace: new Workspace({ account: { username: 'a', home: '/', shell: '/bin/sh' }, environment: {}, isDirectory: () => true }),
    sessions: new ProcessSessions(() => undefined),
    start: (options) => {
      started.push(options)
      // A shared terminal uses only these.
      return Promise.resolve({
        resize: () => calls.push('resize'),
        pause: () => calls.push('pause'),
        resume: () => calls.push('resume'),
        end: () => calls.push('end'),
      } as unknown as Terminal)
    },
  })
  return { timers, started, calls, terminals }
}

const target = (number: number): TerminalTarget => ({
  kind: 'terminal',
  id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  height: 24,
  width: 80,
})
/** A client that sends nothing, and reads everything or nothing. */
const client = (takes = true): Duplex =>
  new Duplex({
    read: () => undefined,
    write: (_chunk, _encoding, callback) => {
      if (takes) callback()
    },
  })

describe('a terminal without clients', () => {
  test('ends after five minutes', async () => {
    const { timers, calls, terminals } = sessionsWithFakeTerminals()
    const stream = client()
    await terminals.attach(target(1), () => stream)
    stream.destroy()
    await expect.poll(() => timers.pending.map(({ delayMs }) => delayMs)).toEqual([unattachedMs])
    timers.fire(unattachedMs)
    expect(calls).toContain('end')
  })

  test('stays when a client reconnects in time', async () => {
    const { timers, started, calls, terminals } = sessionsWithFakeTerminals()
    const stream = client()
    await terminals.attach(target(1), () => stream)
    stream.destroy()
    await expect.poll(() => timers.pending.length).toBe(1)
    await terminals.attach(target(1), () => client())
    expect(timers.pending).toEqual([])
    expect(started).toHaveLength(1)
    expect(calls).not.toContain('end')
  })
})

test('one terminal above the limit is refused', async () => {
  const { terminals } = sessionsWithFakeTerminals()
  for (let number = 0; number < maxTerminals; number += 1) await terminals.attach(target(number), () => client())
  await expect(terminals.attach(target(maxTerminals), () => client())).rejects.toMatchObject({ name: TunnelRefusal.name, status: 503 })
})

test('a client that does not read holds back the program, and is dropped when others wait', async () => {
  const { timers, started, calls, terminals } = sessionsWithFakeTerminals()
  const slow = client(false)
  const quick = client()
  await terminals.attach(target(1), () => slow)
  await terminals.attach(target(1), () => quick)
  for (let round = 0; round < 5; round += 1) started[0]?.onOutput(Buffer.alloc(64 * 1024))
  expect(calls).toContain('pause')
  const lag = timers.pending.map(({ delayMs }) => delayMs)
  expect(lag.length).toBeGreaterThan(0)
  timers.fire(10_000)
  await expect.poll(() => slow.destroyed).toBe(true)
  expect(quick.destroyed).toBe(false)
  await expect.poll(() => calls.at(-1)).toBe('resume')
})
