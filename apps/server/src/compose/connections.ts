import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { wireArchitecture } from '@berth/provisioner'
import { NODES_CHANNEL, NODE_KEYS_CHANNEL, SESSIONS_CHANNEL, WORKSPACES_CHANNEL } from '../database/channels.ts'
import { notify, notifyAll } from '../database/pubsub.ts'
import { AgentBinaries } from '../features/agent-binaries/agent-binaries.ts'
import { AgentDialer } from '../features/agents/agent-dialer.ts'
import { AgentPresence } from '../features/agents/agent-presence.ts'
import { endingsOf } from '../features/agents/agent-standing.ts'
import { AgentTunnels } from '../features/agents/agent-tunnels.ts'
import { ResourcePresenter } from '../features/agents/present.ts'
import { AgentService } from '../features/agents/service.ts'
import { AgentStore } from '../features/agents/store.ts'
import { NodeExchange } from '../features/coordinator/node-exchange.ts'
import { CoordinatorService } from '../features/coordinator/service.ts'
import { DerpService } from '../features/derp/service.ts'
import { DerpStore } from '../features/derp/store.ts'
import { InstanceIdentityService } from '../features/instance-identity/service.ts'
import { InstanceIdentityStore } from '../features/instance-identity/store.ts'
import { RelayService } from '../replicas/relay-service.ts'
import { hashAgentToken } from '../features/provisioner-jobs/resource-store.ts'
import { openAgentValues } from '../secrets/agent-values.ts'
import { OpenConnections } from '../http/open-connections.ts'
import { agentTokens } from './agent-tokens.ts'
import type { Area, World } from './area.ts'
import type { DeploymentServices } from './deployment.ts'
import type { ReplicaServices } from './replicas.ts'

/** Agents, and everything that connects people to them. */
export interface ConnectionServices {
  readonly agents: AgentService
  /** Sockets and waiting requests of agents, which end with the agent's token. */
  readonly openAgents: OpenConnections
  readonly agentDialer: AgentDialer
  readonly relayService: RelayService
  readonly coordinator: CoordinatorService
  readonly derp: DerpService
  readonly instanceIdentity: InstanceIdentityService
  readonly agentBinaries: AgentBinaries
  readonly resources: ResourcePresenter
}

type Earlier = Pick<DeploymentServices, 'deployment'> & ReplicaServices

export function composeConnections(world: World, { deployment, relayDialer, relayKey }: Earlier): Area<ConnectionServices> {
  const { config, database, pubsub, clock, logger, replicaId } = world
  const queries = database.kysely
  const store = new AgentStore(queries)
  const updateFrequencyMs = config.agentConnectionUpdateFrequencyMs
  const openAgents = new OpenConnections({ findEnded: async (ids) => endingsOf(await store.listStandings(ids)) })
  const presence = new AgentPresence({ database, store, openAgents, clock, logger, replicaId, updateFrequencyMs })
  const tunnels = new AgentTunnels({ presence, logger })
  const agents = composeAgents(world, { deployment, store, presence, tunnels })
  const derp = composeRelay(world)
  const stopLearning = pubsub.subscribe(NODE_KEYS_CHANNEL, (message) => {
    if (message.kind === 'message') derp.learn(message.payload.split(' '))
  })
  const { coordinator, stopExchange } = composeCoordinator(world, { agents, derp })
  const agentBinaries = composeAgentBinaries(world)
  const resources = composeResources(world, coordinator)
  const agentDialer = new AgentDialer({ tunnels, store, resources, relays: relayDialer, replicaId })
  const relayService = new RelayService({ replicaId, clock, logger, key: relayKey, dialHere: (...dial) => agentDialer.dialHere(...dial) })
  // A build outdates the agents of earlier ones, a suspension ends those of the user.
  const stopEnding = [WORKSPACES_CHANNEL, SESSIONS_CHANNEL].map((channel) =>
    pubsub.subscribe(channel, async (message) => await openAgents.wake(message.kind === 'resync' ? undefined : message.payload)),
  )
  return {
    services: {
      agents,
      openAgents,
      agentDialer,
      relayService,
      coordinator,
      derp,
      instanceIdentity: new InstanceIdentityService({
        ...config,
        store: new InstanceIdentityStore(queries),
        agents,
        clock,
        readText: async (path) => await readFile(path, 'utf8'),
      }),
      agentBinaries,
      resources,
    },
    start: () => presence.start(),
    async release() {
      agentBinaries.stop()
      stopLearning()
      relayService.close()
      await Promise.all([presence.stop(), derp.stop(), stopExchange()])
    },
    stop() {
      for (const stop of stopEnding) stop()
    },
  }
}

function composeCoordinator(
  { database, pubsub, logger, derpMap, replicaId }: World,
  parts: { readonly agents: AgentService; readonly derp: DerpService },
): { readonly coordinator: CoordinatorService; readonly stopExchange: () => Promise<void> } {
  const publish = async (texts: readonly string[]): Promise<void> => await notifyAll(database.kysely, NODES_CHANNEL, texts)
  const exchange = new NodeExchange({ replicaId, logger, publish })
  const coordinator = new CoordinatorService({ ...parts, derpMap, exchange })
  const unsubscribe = pubsub.subscribe(NODES_CHANNEL, (told) => {
    if (told.kind === 'resync') return coordinator.catchUp()
    const message = exchange.read(told.payload)
    return message === undefined ? undefined : coordinator.learn(message)
  })
  return {
    coordinator,
    async stopExchange() {
      unsubscribe()
      await exchange.close()
    },
  }
}

function composeRelay({ config, database, clock, logger, random }: World): DerpService {
  return new DerpService({
    store: new DerpStore(database.kysely),
    logger,
    random,
    clock,
    isEnabled: config.derpServerEnable,
    publishKeys: async (ids) => await notify(database.kysely, NODE_KEYS_CHANNEL, ids.join(' ')),
  })
}

function composeAgents(
  { config, database, secrets, clock, accessUrl, derpMap }: World,
  parts: {
    readonly deployment: DeploymentServices['deployment']
    readonly store: AgentStore
    readonly presence: AgentPresence
    readonly tunnels: AgentTunnels
  },
): AgentService {
  const { deployment, ...rest } = parts
  return new AgentService({
    ...rest,
    database,
    derpMap,
    clock,
    accessUrl,
    appHost: () => deployment.appHost(),
    browserOnly: config.browserOnly,
    statsIntervalMs: config.agentStatsIntervalMs,
    hashToken: hashAgentToken,
    openToken: agentTokens(secrets).open,
    openValues: (agentId, sealed) => openAgentValues(secrets, agentId, sealed),
    gitAuthProviders: config.gitAuthProviders.length,
  })
}

function composeAgentBinaries({ config, clock, logger }: World): AgentBinaries {
  return new AgentBinaries({
    directory: join(config.cacheDirectory, 'bin'),
    agentDirectory: config.agentDirectory,
    nodePath: process.execPath,
    platform: process.platform,
    architecture: wireArchitecture(process.arch),
    clock,
    logger,
  })
}

function composeResources({ config, clock, accessUrl }: World, coordinator: CoordinatorService): ResourcePresenter {
  return new ResourcePresenter({
    clock,
    inactiveDisconnectTimeoutMs: config.agentInactiveDisconnectTimeoutMs,
    fallbackTroubleshootingUrl: config.agentFallbackTroubleshootingUrl || `${accessUrl}/docs`,
    latencyOf: (agentId) => coordinator.latencyOf(agentId),
  })
}
