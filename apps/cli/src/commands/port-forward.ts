import type { ListeningPortsResponse } from '@berth/schema'
import { defineCommand, word } from '../command.ts'
import type { Context } from '../context.ts'
import { list } from '../flags.ts'
import { renderTable } from '../terminal/table.ts'
import { safeText } from '../terminal/safe-text.ts'
import { forwardTcp } from '../tunnels/forward-tcp.ts'
import { forwardUdp } from '../tunnels/forward-udp.ts'
import type { Listening } from '../tunnels/listening.ts'
import { parseForwards, type Forward } from '../tunnels/port-specs.ts'
import { readyAgent, type ReadyAgent } from '../tunnels/ready-agent.ts'
import { WorkspaceTunnel } from '../tunnels/workspace-tunnel.ts'

export const portForward = defineCommand({
  summary: 'Forward ports of this machine to a workspace',
  aliases: ['tunnel'],
  args: { workspace: word('Workspace name, or owner/name; append .agent if it has several agents', 'workspaces') },
  flags: {
    tcp: list('TCP ports, as port, from-to, local:remote or address:local:remote, separated by commas', {
      short: 'p',
      placeholder: 'ports',
      variable: 'PORT_FORWARD_TCP',
    }),
    udp: list('UDP ports, in the same form', { placeholder: 'ports', variable: 'PORT_FORWARD_UDP' }),
  },
  examples: ['port-forward dev', 'port-forward dev --tcp 8080', 'port-forward dev -p 8080:3000,9000-9005 --udp 5353:53'],
  async run({ workspace: words, tcp, udp }, context) {
    const forwards = parseForwards({ tcp, udp })
    const to = await readyAgent(words, context)
    if (forwards.length === 0) return await showListening(words, to, context)
    const tunnel = await WorkspaceTunnel.open({ ...context, to, note: noteOf(context) }, context.signal)
    const listening: Listening[] = []
    try {
      for (const forward of forwards) listening.push(await listen(forward, tunnel, context))
      for (const [index, { address }] of listening.entries()) announce(address, { forward: forwards[index], to, context })
      context.terminal.print('Ready!')
      await untilInterrupt(tunnel, context)
      return 0
    } finally {
      for (const port of listening) port.close()
      tunnel.close()
    }
  },
})

async function listen(forward: Forward, tunnel: WorkspaceTunnel, context: Context): Promise<Listening> {
  const options = { dial: tunnel.dial.bind(tunnel), note: noteOf(context) }
  return forward.network === 'tcp' ? await forwardTcp(forward, options) : await forwardUdp(forward, options)
}

/** Waits for Ctrl-C, which is how this command ends well. */
async function untilInterrupt(tunnel: WorkspaceTunnel, context: Context): Promise<void> {
  const interrupted = new AbortController()
  const task = async (): Promise<void> => {
    const stop = new Promise<void>((resolve) => interrupted.signal.addEventListener('abort', () => resolve()))
    await Promise.race([stop, tunnel.failed])
  }
  await context.interceptInterrupt(() => interrupted.abort(), task)
}

function announce(
  address: string,
  { forward, to, context }: { readonly forward: Forward | undefined; readonly to: ReadyAgent; readonly context: Context },
): void {
  if (forward) context.terminal.print(`Forwarding ${forward.network} ${address} to port ${forward.remotePort} of ${to.workspace.name}`)
}

function noteOf({ terminal }: Context): (text: string) => void {
  return (text) => terminal.note(safeText(text))
}

async function showListening(words: string, { workspace, agent }: ReadyAgent, { client, terminal }: Context): Promise<void> {
  const { ports } = await client.agents.listeningPorts({ params: { workspaceagent: agent.id } })
  const [first] = ports
  const example = `berth port-forward ${words} --tcp ${first?.port ?? 8080}`
  if (first === undefined) return terminal.note(`No program listens on a port of ${workspace.name}. Forward a port with '${example}'.`)
  terminal.print(renderTable(ports, columns))
  return terminal.note(`Forward one with '${example}'.`)
}

const columns = [
  { name: 'port', cell: ({ port }: ListeningPortsResponse['ports'][number]) => String(port) },
  { name: 'network', cell: ({ network }: ListeningPortsResponse['ports'][number]) => network },
  { name: 'process', cell: ({ process_name: name }: ListeningPortsResponse['ports'][number]) => name },
]
