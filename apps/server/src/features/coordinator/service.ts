import { randomUUID } from 'node:crypto'
import type { DERPMap, WorkspaceAgent } from '@berth/schema'
import { closeReasons, closeSocket } from '@berth/tunnel'
import type { WebSocket } from 'ws'
import type { AgentRow } from '../../database/rows.ts'
import type { AgentCaller, AgentService } from '../agents/service.ts'
import type { DerpService } from '../derp/service.ts'
import type { NodeExchange, NodeMessage } from './node-exchange.ts'
import { NodeOutbox } from './node-outbox.ts'
import { latencyOfNode, readNode, type NetworkNode } from './node.ts'

interface Dependencies {
  readonly agents: AgentService
  /** Lets the owners of the nodes use the relay. */
  readonly derp: Pick<DerpService, 'admit'>
  readonly derpMap: DERPMap
  /** Reaches agents and clients that are connected to other replicas. */
  readonly exchange: Pick<NodeExchange, 'send'>
}

/** The agent's connection. */
interface AgentEnd {
  readonly socket: WebSocket
  readonly outbox: NodeOutbox
  node: NetworkNode | undefined
  latency: WorkspaceAgent['latency']
}

interface ClientEnd {
  readonly id: string
  readonly outbox: NodeOutbox
  node: NetworkNode | undefined
}

/** An agent and the clients that connect to it. Either side may come first. */
interface Meeting {
  agent: AgentEnd | undefined
  readonly clients: Set<ClientEnd>
}

/**
 * Exchanges network nodes between agents and clients of the reference, whichever replicas they are
 * connected to. A node is kept in memory, and only while its owner is connected to this replica.
 */
export class CoordinatorService {
  readonly #dependencies: Dependencies
  readonly #meetings = new Map<string, Meeting>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  get derpMap(): DERPMap {
    return this.#dependencies.derpMap
  }

  /** Returns a connected agent's latency to each relay region, from its newest node. */
  latencyOf(agentId: string): WorkspaceAgent['latency'] {
    return this.#meetings.get(agentId)?.agent?.latency
  }

  /**
   * Checks that an agent may connect. Returns what takes over its socket. Throws
   * `invalid_agent_request`.
   */
  prepareAgent(caller: AgentCaller): (socket: WebSocket) => void {
    const connect = this.#dependencies.agents.prepareConnection(caller)
    return (socket) => {
      const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
      this.#addAgent(caller.agent.id, socket)
      connect(socket, closed)
    }
  }

  /** Throws `browser_only` when people may reach workspaces only through a browser. */
  requireDirectAccess(): void {
    this.#dependencies.agents.requireDirectAccess()
  }

  /** Throws `agent_without_coordination` for an agent that never comes to meet a client. */
  requireCoordination(agent: AgentRow): void {
    this.#dependencies.agents.requireCoordination(agent)
  }

  /** Takes over a client's socket. */
  addClient(agentId: string, socket: WebSocket): void {
    const meeting = this.#meetingOf(agentId)
    const client: ClientEnd = { id: randomUUID(), outbox: new NodeOutbox(socket), node: undefined }
    meeting.clients.add(client)
    this.#onNode(socket, (node) => {
      client.node = node
      this.#sendToAgent(agentId, client)
    })
    socket.on('close', () => {
      meeting.clients.delete(client)
      if (meeting.agent === undefined) this.#dependencies.exchange.send({ kind: 'client-left', agentId, clientId: client.id })
      else meeting.agent.outbox.forget(client.id)
      this.#tidy(agentId, meeting)
    })
    if (meeting.agent === undefined) this.#dependencies.exchange.send({ kind: 'agent-wanted', agentId })
    else if (meeting.agent.node !== undefined) client.outbox.send(agentId, meeting.agent.node)
  }

  /** Takes note of what another replica says. */
  learn(message: NodeMessage): void {
    const { agentId } = message
    const meeting = this.#meetings.get(agentId)
    if (meeting === undefined) return
    const { agent, clients } = meeting
    switch (message.kind) {
      case 'agent-node':
        // An agent that is here is newer than what others know of it.
        if (agent === undefined) for (const { outbox } of clients) outbox.send(agentId, message.node)
        break
      case 'client-node':
        agent?.outbox.send(message.clientId, message.node)
        break
      case 'client-left':
        agent?.outbox.forget(message.clientId)
        break
      case 'agent-wanted':
        this.#tellOfAgent(agentId, meeting)
        break
      case 'clients-wanted':
        for (const client of clients) this.#sendToAgent(agentId, client)
        break
      default:
      // A newer version says more.
    }
  }

  /** Catches up with other replicas after messages may have been missed. */
  catchUp(): void {
    const { exchange } = this.#dependencies
    for (const [agentId, meeting] of this.#meetings) {
      if (meeting.agent !== undefined) exchange.send({ kind: 'clients-wanted', agentId })
      else exchange.send({ kind: 'agent-wanted', agentId })
      this.#tellOfAgent(agentId, meeting)
      for (const client of meeting.clients) this.#sendToAgent(agentId, client)
    }
  }

  #tellOfAgent(agentId: string, { agent }: Meeting): void {
    if (agent?.node !== undefined) this.#dependencies.exchange.send({ kind: 'agent-node', agentId, node: agent.node })
  }

  /** Sends a client's node to the agent, wherever that is. */
  #sendToAgent(agentId: string, { id: clientId, node }: ClientEnd): void {
    if (node === undefined) return
    const agent = this.#meetings.get(agentId)?.agent
    if (agent === undefined) this.#dependencies.exchange.send({ kind: 'client-node', agentId, clientId, node })
    else agent.outbox.send(clientId, node)
  }

  #addAgent(agentId: string, socket: WebSocket): void {
    const meeting = this.#meetingOf(agentId)
    const agent: AgentEnd = { socket, outbox: new NodeOutbox(socket), node: undefined, latency: undefined }
    const previous = meeting.agent
    meeting.agent = agent
    if (previous !== undefined) closeSocket(previous.socket, closeReasons.agentReconnected)
    this.#onNode(socket, (node) => {
      // Nodes that still arrive on a replaced socket are out of date.
      if (meeting.agent !== agent) return
      agent.node = node
      agent.latency = latencyOfNode(node, this.derpMap)
      for (const { outbox } of meeting.clients) outbox.send(agentId, node)
      this.#tellOfAgent(agentId, meeting)
    })
    socket.on('close', () => {
      if (meeting.agent === agent) meeting.agent = undefined
      this.#tidy(agentId, meeting)
    })
    agent.outbox.sendAll([...meeting.clients].flatMap((client) => (client.node === undefined ? [] : [[client.id, client.node] as const])))
    this.#dependencies.exchange.send({ kind: 'clients-wanted', agentId })
  }

  #meetingOf(agentId: string): Meeting {
    const meeting = this.#meetings.get(agentId) ?? { agent: undefined, clients: new Set() }
    this.#meetings.set(agentId, meeting)
    return meeting
  }

  #tidy(agentId: string, meeting: Meeting): void {
    if (meeting.agent === undefined && meeting.clients.size === 0 && this.#meetings.get(agentId) === meeting) this.#meetings.delete(agentId)
  }

  /**
   * Calls `take` with each node that a socket receives, and lets the node's owner use the relay.
   * Any other message closes the socket.
   */
  #onNode(socket: WebSocket, take: (node: NetworkNode) => void): void {
    let held: { readonly key: unknown; readonly release: () => void } | undefined
    socket.on('message', (data, isBinary) => {
      if (!isBinary) return closeSocket(socket, closeReasons.notBinary)
      const node = readNode(data as Buffer)
      if (node === undefined) return closeSocket(socket, closeReasons.invalidNode)
      if (held === undefined || held.key !== node['key']) {
        held?.release()
        held = { key: node['key'], release: this.#dependencies.derp.admit(node['key']) }
      }
      return take(node)
    })
    socket.on('close', () => held?.release())
  }
}
