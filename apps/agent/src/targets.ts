import { parseAgentTarget, type TunnelRequest, type TunnelStream } from '@berth/tunnel'
import type { ListeningPortsResponse } from '@berth/schema'
import type { Duplex } from 'node:stream'
import { answerCall, type CallContext } from './calls/answer-call.ts'
import type { ListeningPort } from './listening-ports.ts'
import { servePort } from './ports.ts'
import type { TerminalSessions } from './pty/terminal-sessions.ts'
import type { SpeedTests } from './speed-tests.ts'
import type { StreamKind, TrafficStats } from './stats.ts'
import { serveUdp } from './udp.ts'

export interface TargetContext {
  connectSsh: (stream: Duplex) => Promise<void>
  terminals: TerminalSessions
  speedTests: SpeedTests
  scanPorts: () => Promise<ListeningPort[]>
  stats: TrafficStats
  calls: CallContext
}

/**
 * Connects a stream of the tunnel to what it dials. Rejects with `TunnelRefusal` when that isn't
 * possible.
 */
export async function answerTarget(request: TunnelRequest, context: TargetContext): Promise<void> {
  const { accept } = request
  const target = parseAgentTarget(request.target)
  const counted = (kind: StreamKind) => (): TunnelStream => {
    const stream = accept()
    context.stats.add(kind, stream)
    return stream
  }
  switch (target.kind) {
    case 'ssh':
      return await context.connectSsh(counted('ssh')())
    case 'terminal':
      return await context.terminals.attach(target, counted('pty'))
    case 'port':
      return await servePort(target.port, counted('tcp'))
    case 'call':
      return await answerCall({ ...request, accept: counted('call') }, context.calls)
    case 'udp':
      return serveUdp(target.port, counted('udp'))
    case 'echo':
      return echo(accept())
    case 'speed-test':
      return await context.speedTests.serve(target, accept)
    case 'listening-ports':
      return sendPorts(accept, await context.scanPorts())
  }
}

function sendPorts(accept: () => TunnelStream, ports: ListeningPort[]): void {
  const stream = accept()
  stream.resume()
  stream.end(JSON.stringify({ ports } satisfies ListeningPortsResponse))
}

function echo(stream: TunnelStream): void {
  stream.pipe(stream)
}
