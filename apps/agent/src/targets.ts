import { TunnelRefusal, type TunnelRequest, type TunnelStream } from '@berth/tunnel'
import type { Duplex } from 'node:stream'
import type { ListeningPort } from './listening-ports.ts'
import { servePort } from './ports.ts'
import type { TerminalSessions } from './pty/terminal-sessions.ts'
import type { StreamKind, TrafficStats } from './stats.ts'

export interface TargetContext {
  connectSsh: (stream: Duplex) => Promise<void>
  terminals: TerminalSessions
  scanPorts: () => Promise<ListeningPort[]>
  stats: TrafficStats
}

/** Answers one stream of the tunnel by what it asks for. */
export async function answerTarget({ target, accept }: TunnelRequest, context: TargetContext): Promise<void> {
  const counted = (kind: StreamKind) => (): TunnelStream => {
    const stream = accept()
    context.stats.add(kind, stream)
    return stream
  }
  if (target === 'ssh') {
    await context.connectSsh(counted('ssh')())
  } else if (target.startsWith('pty?')) {
    await context.terminals.attach(target, counted('pty'))
  } else if (target.startsWith('ports/')) {
    await servePort(target, counted('tcp'))
  } else if (target === 'listening-ports') {
    const ports = await context.scanPorts()
    const stream = accept()
    stream.resume()
    stream.end(JSON.stringify({ ports }))
  } else {
    throw new TunnelRefusal(404, `This workspace does not know what "${target.slice(0, 100)}" is. Its agent may be older than the server.`)
  }
}
