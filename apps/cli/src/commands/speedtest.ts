import { maxSpeedTestBytes, maxSpeedTestMs, type SpeedTestTarget } from '@berth/tunnel'
import { defineCommand, word } from '../command.ts'
import { describeDuration, parseDuration } from '../durations.ts'
import { CommandError, UsageError } from '../failures.ts'
import { outputFlag, parsed, toggle } from '../flags.ts'
import { createProgress } from '../terminal/progress.ts'
import { renderTable } from '../terminal/table.ts'
import { readyAgent } from '../tunnels/ready-agent.ts'
import type { SpeedInterval } from '../tunnels/speed-meter.ts'
import { runSpeedTest, type SpeedTestResult } from '../tunnels/speed-test.ts'
import { WorkspaceTunnel } from '../tunnels/workspace-tunnel.ts'

const mebibyte = 1024 * 1024

export const speedtest = defineCommand({
  summary: 'Measure the throughput to and from a workspace',
  args: { workspace: word('Workspace name, or owner/name; append .agent if it has several agents', 'workspaces') },
  flags: {
    reverse: toggle('Only measure from the workspace to this machine', { short: 'r' }),
    direction: parsed('Which way to measure: up is to the workspace', {
      placeholder: 'direction',
      choices: ['up', 'down', 'both'],
      read: readDirections,
      defaultValue: ['up', 'down'] as const,
      shownDefault: 'both',
    }),
    time: parsed('How long each direction is measured', {
      short: 't',
      placeholder: 'duration',
      read: readTime,
      defaultValue: 5000,
      shownDefault: '5s',
    }),
    size: parsed('Stop after this many bytes, such as 100MiB', {
      placeholder: 'bytes',
      read: readSize,
      defaultValue: maxSpeedTestBytes,
      shownDefault: 'no limit',
    }),
    direct: toggle('Wait for a direct connection', { short: 'd', hidden: true }),
    output: outputFlag,
  },
  examples: ['speedtest dev', 'speedtest dev --direction down --time 10s', 'speedtest dev --size 100MiB'],
  async run({ workspace: words, reverse, direction, time, size, direct, output }, context) {
    if (direct) {
      throw new CommandError('There is no direct connection to wait for: all connections go through the server.', {
        help: 'Leave out --direct.',
      })
    }
    const { terminal, signal, clock, session } = context
    const to = await readyAgent(words, context)
    const tunnel = await WorkspaceTunnel.open({ ...context, to, note: (text) => terminal.note(text) }, signal)
    try {
      const results: SpeedTestResult[] = []
      for (const way of reverse ? (['down'] as const) : direction) {
        const progress = createProgress(context)
        progress.step(way === 'up' ? `Sending to ${to.workspace.name}` : `Receiving from ${to.workspace.name}`)
        results.push(await runSpeedTest(tunnel, { kind: 'speed-test', direction: way, durationMs: time, bytes: size }, { clock, signal }))
        progress.finish('done')
      }
      if (output === 'json') return terminal.printJson({ workspace: to.workspace.name, through: session.url, results: results.map(wireOf) })
      return terminal.print(renderTable(results.flatMap(rowsOf), columns))
    } finally {
      tunnel.close()
    }
  },
})

function readDirections(text: string): readonly SpeedTestTarget['direction'][] {
  return text === 'up' || text === 'down' ? [text] : ['up', 'down']
}

function readTime(text: string): number {
  const ms = parseDuration(text)
  if (ms >= 1 && ms <= maxSpeedTestMs) return ms
  throw new UsageError(`"${text}" is too long or too short. A test takes up to ${describeDuration(maxSpeedTestMs)}.`)
}

const units: Readonly<Record<string, number>> = { '': 1, k: 1024, m: mebibyte, g: 1024 * mebibyte, t: mebibyte * mebibyte }

function readSize(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,13})(?:([kmgt])(?:ib)?)?b?$/i.exec(text.trim()) ?? []
  const bytes = Number(number) * (units[unit.toLowerCase()] ?? 1)
  if (number !== '' && bytes >= 1 && bytes <= maxSpeedTestBytes) return bytes
  throw new UsageError(`"${text}" isn't a size. Use a number of bytes, or a format such as 100MiB or 1GiB; 1TiB at most.`)
}

interface Row extends SpeedInterval {
  readonly direction: string
}

function rowsOf({ direction, intervals, total }: SpeedTestResult): Row[] {
  return [...intervals.map((interval) => ({ direction, ...interval })), { direction: `${direction}, total`, ...total }]
}

function wireOf({ direction, intervals, total }: SpeedTestResult) {
  return { direction, intervals: intervals.map(intervalOf), total: intervalOf(total) }
}

function intervalOf(interval: SpeedInterval) {
  return { from_ms: interval.fromMs, to_ms: interval.toMs, bytes: interval.bytes, mbit_per_second: megabitsPerSecond(interval) }
}

function megabitsPerSecond({ fromMs, toMs, bytes }: SpeedInterval): number {
  // Bits per millisecond are kilobits per second.
  return toMs > fromMs ? (bytes * 8) / (toMs - fromMs) / 1000 : 0
}

const seconds = (ms: number): string => (ms / 1000).toFixed(2)

const columns = [
  { name: 'direction', cell: ({ direction }: Row) => direction },
  { name: 'seconds', cell: ({ fromMs, toMs }: Row) => `${seconds(fromMs)}-${seconds(toMs)}` },
  { name: 'transfer', cell: ({ bytes }: Row) => `${(bytes / mebibyte).toFixed(2)} MiB` },
  { name: 'throughput', cell: (row: Row) => `${megabitsPerSecond(row).toFixed(1)} Mbit/s` },
]
