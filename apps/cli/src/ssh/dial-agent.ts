import type { Duplex } from 'node:stream'
import type { Client } from '@berth/sdk'
import { formatAgentTarget } from '@berth/tunnel'
import { startTunnel } from './start-tunnel.ts'

/** A connection to an agent's SSH server. */
export interface AgentConnection {
  readonly stream: Duplex
  /** Closes the stream and its tunnel. */
  close(): void
}

/** Opens a tunnel to an agent, and connects to its SSH server. */
export async function dialAgent(client: Client, agent: string, signal: AbortSignal): Promise<AgentConnection> {
  const { tunnel, explain } = startTunnel(client, agent)
  try {
    const stream = await tunnel.dial(formatAgentTarget({ kind: 'ssh' }), { signal })
    return {
      stream,
      close: () => {
        stream.destroy()
        tunnel.close()
      },
    }
  } catch (error) {
    tunnel.close()
    throw explain(error)
  }
}
