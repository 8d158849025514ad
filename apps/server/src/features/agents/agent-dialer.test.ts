import { dialTunnel, type DialTunnel } from '@berth/tunnel'
import { Duplex } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { AgentDialer } from './agent-dialer.ts'
import { ResourcePresenter } from './present.ts'

/** A tunnel to an agent that reads and never says anything. */
function silentTunnel(): DialTunnel {
  const tunnel = dialTunnel(new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() }))
  onTestFinished(() => tunnel.close())
  return tunnel
}

const unused = async (): Promise<never> => await Promise.reject(new Error('the agent is connected here'))

function dialerOf(tunnel: DialTunnel, dialTimeoutMs: number): AgentDialer {
  return new AgentDialer({
    tunnels: { find: () => tunnel },
    store: { getView: unused, findConnection: unused },
    resources: new ResourcePresenter({ clock: { now: () => new Date() }, inactiveDisconnectTimeoutMs: 1, fallbackTroubleshootingUrl: '' }),
    relays: { dial: unused, isConnectedTo: () => false },
    replicaId: 'this',
    dialTimeoutMs,
  })
}

test('a dial that the agent does not answer times out', async () => {
  const dialing = dialerOf(silentTunnel(), 20).dial('agent', { kind: 'ssh' })
  await expect(dialing).rejects.toMatchObject({ name: 'TunnelRefusal', status: 504, message: 'The agent did not answer within 0.02 s.' })
})

test('a dial that is aborted rejects with the reason of the abort', async () => {
  const giveUp = new AbortController()
  const dialing = dialerOf(silentTunnel(), 60_000).dial('agent', { kind: 'ssh' }, { signal: giveUp.signal })
  giveUp.abort(new Error('the client disconnected'))
  await expect(dialing).rejects.toThrow('the client disconnected')
})
