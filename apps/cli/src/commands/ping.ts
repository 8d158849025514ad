import { defineCommand, word } from '../command.ts'
import type { Context } from '../context.ts'
import { counted } from '../counted.ts'
import { parseDuration } from '../durations.ts'
import { CommandError, messageOf, UsageError } from '../failures.ts'
import { outputFlag, parsed } from '../flags.ts'
import { renderTable } from '../terminal/table.ts'
import { readyAgent, type ReadyAgent } from '../tunnels/ready-agent.ts'
import { RoundTrips, spreadOf, type RoundTrip, type Spread } from '../tunnels/round-trips.ts'
import { WorkspaceTunnel } from '../tunnels/workspace-tunnel.ts'

/** How long one answer may take, in milliseconds. */
const answerWaitMs = 10_000

export const ping = defineCommand({
  summary: 'Measure round trips to a workspace, and say which way they take',
  args: { workspace: word('Workspace name, or owner/name; append .agent if it has several agents', 'workspaces') },
  flags: {
    count: parsed('How often to ping', { short: 'c', placeholder: 'count', read: readCount, defaultValue: 5, shownDefault: '5' }),
    interval: parsed('Pause between pings', {
      short: 'i',
      placeholder: 'duration',
      read: parseDuration,
      defaultValue: 1000,
      shownDefault: '1s',
    }),
    output: outputFlag,
  },
  examples: ['ping dev', 'ping dev --count 100 --interval 100ms'],
  async run({ workspace: words, count, interval, output }, context) {
    const { terminal, signal, session } = context
    const to = await readyAgent(words, context)
    const tunnel = await WorkspaceTunnel.open({ ...context, to, note: (text) => terminal.note(text) }, signal)
    try {
      if (output === 'table') terminal.print(`${describeWay(to)} through ${session.url}`)
      const trips = await pingOften(new RoundTrips(tunnel, context.clock), { count, interval, quiet: output === 'json' }, context)
      if (trips.length === 0) throw new CommandError(`The agent ${to.agent.name} of ${to.workspace.name} gave no answer.`)
      const spreads = [
        { to: 'agent', ...spreadOf(trips.map(({ agentMs }) => agentMs)) },
        { to: 'server', ...spreadOf(trips.map(({ serverMs }) => serverMs)) },
      ]
      const lost = count - trips.length
      if (output === 'json') {
        const way = { through: session.url, agent: to.agent.name, agent_version: to.agent.version }
        return terminal.printJson({ workspace: to.workspace.name, ...way, sent: count, lost, round_trips_ms: spreads })
      }
      terminal.print(`${counted(count, 'ping')} sent, ${lost} lost`)
      return terminal.print(renderTable(spreads, columns))
    } finally {
      tunnel.close()
    }
  },
})

async function pingOften(
  roundTrips: RoundTrips,
  { count, interval, quiet }: { readonly count: number; readonly interval: number; readonly quiet: boolean },
  { terminal, clock, signal }: Context,
): Promise<RoundTrip[]> {
  const trips: RoundTrip[] = []
  for (let number = 1; number <= count; number += 1) {
    if (number > 1) await clock.sleep(interval, signal)
    const timeout = AbortSignal.timeout(answerWaitMs)
    try {
      const trip = await roundTrips.ping(AbortSignal.any([signal, timeout]))
      trips.push(trip)
      if (!quiet) terminal.print(`${number}: ${formatMs(trip.agentMs)}, of which ${formatMs(trip.serverMs)} to the server`)
    } catch (error) {
      signal.throwIfAborted()
      terminal.note(`${number}: ${timeout.aborted ? `no answer within ${answerWaitMs / 1000} s` : messageOf(error)}`)
    }
  }
  return trips
}

function readCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= 100_000) return count
  throw new UsageError(`"${text}" isn't a count. Give a number from 1 to 100000.`)
}

function describeWay({ workspace, agent }: ReadyAgent): string {
  return `${workspace.name}: agent ${agent.name}, ${agent.version},`
}

function formatMs(ms: number): string {
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`
}

const columns = [
  { name: 'to', cell: ({ to }: { readonly to: string } & Spread) => to },
  { name: 'min', cell: ({ min }: Spread) => formatMs(min) },
  { name: 'avg', cell: ({ avg }: Spread) => formatMs(avg) },
  { name: 'p50', cell: ({ p50 }: Spread) => formatMs(p50) },
  { name: 'max', cell: ({ max }: Spread) => formatMs(max) },
]
