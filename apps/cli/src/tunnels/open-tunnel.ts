import type { Client } from '@berth/sdk'
import type { DialTunnel } from '@berth/tunnel'
import { startTunnel } from '../ssh/start-tunnel.ts'

/**
 * Opens a tunnel to an agent. Resolves once the server has answered; rejects with the server's
 * refusal, or the signal's reason.
 */
export async function openTunnel(client: Client, agent: string, signal: AbortSignal): Promise<DialTunnel> {
  const { tunnel, explain } = startTunnel(client, agent)
  const onAbort = (): void => tunnel.close()
  signal.addEventListener('abort', onAbort)
  try {
    await tunnel.ping()
    return tunnel
  } catch (error) {
    tunnel.close()
    signal.throwIfAborted()
    throw explain(error)
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
