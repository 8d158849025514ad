import type { DERPMap, WorkspaceAgent } from '@berth/schema'
import type { WebSocket } from 'ws'
import type { AgentRow } from '../../database/rows.ts'
import type { AgentService } from '../agents/service.ts'
import { NodeOutbox } from './node-outbox.ts'
import { latencyOfNode, readNode, type NetworkNode } from './node.ts'

interface Dependencies {
  readonly agents: AgentService
  readonly derpMap: DERPMap
}

/** The agent's end. */
interface AgentEnd {
  readonly socket: WebSocket
  readonly outbox: NodeOutbox
  node: NetworkNode | undefined
  latency: WorkspaceAgent['latency']
}

interface ClientEnd {
  readonly outbox: NodeOutbox
  node: NetworkNode | undefined
}

/** Those who want to find each other: an agent and its clients, of which either side may be there first. */
interface Meeting {
  agent: AgentEnd | undefined
  readonly clients: Set<ClientEnd>
}

/** Where agents and clients of the reference learn each other's network nodes. What is known is in memory, and only while its owner is connected to this server. */
export class CoordinatorService {
  readonly #dependencies: Dependencies
  readonly #meetings = new Map<string, Meeting>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  get derpMap(): DERPMap {
    return this.#dependencies.derpMap
  }

  /** How far a connected agent is from relays, as its newest node says. */
  latencyOf(agentId: string): WorkspaceAgent['latency'] {
    return this.#meetings.get(agentId)?.agent?.latency
  }

  /** Prepares the socket of an agent: what is returned takes it over. Throws `invalid_agent_request`, `build_outdated`. */
  async prepareAgent(agent: AgentRow): Promise<(socket: WebSocket) => void> {
    const connect = await this.#dependencies.agents.prepareConnection(agent)
    return (socket) => {
      const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
      this.#addAgent(agent.id, socket)
      connect(socket, closed)
    }
  }

  /** Throws `browser_only` where people may not connect with programs of their own. */
  requireDirectAccess(): void {
    this.#dependencies.agents.requireDirectAccess()
  }

  /** Takes over the socket of a client. */
  addClient(agentId: string, socket: WebSocket): void {
    const meeting = this.#meetingOf(agentId)
    const client: ClientEnd = { outbox: new NodeOutbox(socket), node: undefined }
    meeting.clients.add(client)
    onNode(socket, (node) => {
      client.node = node
      meeting.agent?.outbox.send(client, node)
    })
    socket.on('close', () => {
      meeting.clients.delete(client)
      meeting.agent?.outbox.forget(client)
      this.#tidy(agentId, meeting)
    })
    if (meeting.agent?.node !== undefined) client.outbox.send(agentId, meeting.agent.node)
  }

  #addAgent(agentId: string, socket: WebSocket): void {
    const meeting = this.#meetingOf(agentId)
    const agent: AgentEnd = { socket, outbox: new NodeOutbox(socket), node: undefined, latency: undefined }
    const previous = meeting.agent
    meeting.agent = agent
    previous?.socket.close(1000, 'the agent has connected anew')
    onNode(socket, (node) => {
      // What a socket still says that has been replaced is old.
      if (meeting.agent !== agent) return
      agent.node = node
      agent.latency = latencyOfNode(node, this.derpMap)
      for (const { outbox } of meeting.clients) outbox.send(agentId, node)
    })
    socket.on('close', () => {
      if (meeting.agent === agent) meeting.agent = undefined
      this.#tidy(agentId, meeting)
    })
    agent.outbox.sendAll([...meeting.clients].flatMap((client) => (client.node === undefined ? [] : [[client, client.node] as const])))
  }

  #meetingOf(agentId: string): Meeting {
    const meeting = this.#meetings.get(agentId) ?? { agent: undefined, clients: new Set() }
    this.#meetings.set(agentId, meeting)
    return meeting
  }

  #tidy(agentId: string, meeting: Meeting): void {
    if (meeting.agent === undefined && meeting.clients.size === 0 && this.#meetings.get(agentId) === meeting) this.#meetings.delete(agentId)
  }
}

/** Calls `take` with each node that comes over a socket. What is none ends the socket. */
function onNode(socket: WebSocket, take: (node: NetworkNode) => void): void {
  socket.on('message', (data, isBinary) => {
    if (!isBinary) return socket.close(1003, 'only binary messages are accepted')
    const node = readNode(data as Buffer)
    if (node === undefined) return socket.close(1011, 'a message must be one JSON object')
    return take(node)
  })
}
