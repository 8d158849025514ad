import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { wireArchitecture, type Driver } from '@berth/provisioner'
import { provisionerTypes, type DERPMap } from '@berth/schema'
import type { Logger } from 'pino'
import {
  GIT_AUTH_CHANNEL,
  JOB_LOGS_CHANNEL,
  QUEUE_CHANNEL,
  SECRETS_CHANNEL,
  SESSIONS_CHANNEL,
  WORKSPACES_CHANNEL,
} from './database/channels.ts'
import { timestamp, type Clock } from './clock.ts'
import type { Config } from './settings/config.ts'
import type { Database } from './database/database.ts'
import type { PubSub } from './database/pubsub.ts'
import { WakeUps } from './database/wake-ups.ts'
import { AgentBinaries } from './features/agent-binaries/agent-binaries.ts'
import { AgentPresence } from './features/agents/agent-presence.ts'
import { AgentTunnels } from './features/agents/agent-tunnels.ts'
import { ResourcePresenter } from './features/agents/present.ts'
import { AgentService } from './features/agents/service.ts'
import { AgentStore } from './features/agents/store.ts'
import { AuditService } from './features/audit/service.ts'
import { AuditStore } from './features/audit/store.ts'
import { AuthorizationService, type FindAccess } from './features/authorization/service.ts'
import { AutobuildLoop } from './features/builds/autobuild-loop.ts'
import { AutobuildStore } from './features/builds/autobuild-store.ts'
import { BuildHandler } from './features/builds/build-handler.ts'
import { BuildService } from './features/builds/service.ts'
import { BuildStore } from './features/builds/store.ts'
import { CoordinatorService } from './features/coordinator/service.ts'
import { DerpService } from './features/derp/service.ts'
import { DerpStore } from './features/derp/store.ts'
import { DeploymentService } from './features/deployment/service.ts'
import { DeploymentStore } from './features/deployment/store.ts'
import { GithubProvider } from './features/external-sign-in/github-provider.ts'
import { LinkRenewal } from './features/external-sign-in/link-renewal.ts'
import { OidcProvider } from './features/external-sign-in/oidc-provider.ts'
import type { SignInProvider } from './features/external-sign-in/provider.ts'
import { ExternalSignInService } from './features/external-sign-in/service.ts'
import { ExternalSignInStore } from './features/external-sign-in/store.ts'
import { FileService } from './features/files/service.ts'
import { FileStore } from './features/files/store.ts'
import { GroupService } from './features/groups/service.ts'
import { GroupStore } from './features/groups/store.ts'
import { OAuthClient } from './features/git-auth/oauth-client.ts'
import { GitAuthService } from './features/git-auth/service.ts'
import { GitAuthStore } from './features/git-auth/store.ts'
import { GitSshKeyService } from './features/git-ssh-keys/service.ts'
import { GitSshKeyStore } from './features/git-ssh-keys/store.ts'
import { InstanceIdentityService } from './features/instance-identity/service.ts'
import { InstanceIdentityStore } from './features/instance-identity/store.ts'
import { OrganizationService } from './features/organizations/service.ts'
import { OrganizationStore } from './features/organizations/store.ts'
import { ParameterService } from './features/parameters/service.ts'
import { ParameterStore } from './features/parameters/store.ts'
import type { JobHandlers } from './features/provisioner-jobs/job-handler.ts'
import { JobLease } from './features/provisioner-jobs/job-lease.ts'
import { BUILT_IN_TAGS, ProvisionerDaemon } from './features/provisioner-jobs/provisioner-daemon.ts'
import { hashAgentToken } from './features/provisioner-jobs/resource-store.ts'
import { JobService } from './features/provisioner-jobs/service.ts'
import { JobStore } from './features/provisioner-jobs/store.ts'
import { QuotaService } from './features/quotas/service.ts'
import { QuotaStore } from './features/quotas/store.ts'
import { RetentionLoop } from './features/retention/retention-loop.ts'
import { RetentionStore } from './features/retention/store.ts'
import { RoleService } from './features/roles/service.ts'
import { hashPassword, isPassword } from './features/sessions/password.ts'
import { SessionService } from './features/sessions/service.ts'
import { SessionStore } from './features/sessions/store.ts'
import { DryRunHandler } from './features/template-versions/dry-run-handler.ts'
import { DryRunService } from './features/template-versions/dry-run-service.ts'
import { ImportHandler } from './features/template-versions/import-handler.ts'
import { TemplateVersionService } from './features/template-versions/service.ts'
import { TemplateVersionStore } from './features/template-versions/store.ts'
import { TemplateExamples } from './features/template-versions/template-examples.ts'
import { TemplateService } from './features/templates/service.ts'
import { StarterTemplates } from './features/templates/starter-templates.ts'
import { TemplateStore } from './features/templates/store.ts'
import { TemplateAccess } from './features/templates/template-access.ts'
import { TemplateAccessStore } from './features/templates/template-access-store.ts'
import { TemplateMetrics } from './features/templates/template-metrics.ts'
import { UserService } from './features/users/service.ts'
import { UserStore } from './features/users/store.ts'
import { UserChanges } from './features/users/user-changes.ts'
import { WorkspaceService } from './features/workspaces/service.ts'
import { WorkspaceStore } from './features/workspaces/store.ts'
import { WorkspaceWatches } from './features/workspaces/watch-stream.ts'
import { OpenSessions } from './http/open-sessions.ts'
import { readPodNamespace } from './settings/pod-namespace.ts'
import { version } from './version.ts'
import { placeOf, type SecretBox } from './secrets/secret-box.ts'

/** What is handed in from outside. */
export interface World {
  readonly config: Config
  readonly database: Database
  readonly pubsub: PubSub
  readonly secrets: SecretBox
  readonly clock: Clock
  readonly logger: Logger
  readonly random: () => number
  readonly accessUrl: string
  /** The relays that agents and clients of the reference are told of. */
  readonly derpMap: DERPMap
  readonly replicaId: string
  readonly drivers: readonly Driver[]
  /** An existing folder for the work of provisioners. */
  readonly workDirectory: string
}

/** A worker of the built-in kind sends a sign of life so often (Coder v2 API, v0.13.4). */
const HEARTBEAT_INTERVAL_MS = 500
/** With wake-ups the queue is looked at in between only in case one was lost. */
const MIN_POLL_INTERVAL_MS = 50

/** Everything the server is made of. Built here and nowhere else. */
export interface Services {
  readonly users: UserService
  readonly userChanges: UserChanges
  readonly sessions: SessionService
  /** What is open in sessions, and closes when they end. */
  readonly openSessions: OpenSessions
  readonly externalSignIn: ExternalSignInService
  /** Where people and agents reach the server. */
  readonly accessUrl: string
  readonly organizations: OrganizationService
  readonly roles: RoleService
  readonly authorization: AuthorizationService
  readonly files: FileService
  readonly templates: TemplateService
  readonly examples: TemplateExamples
  readonly agentBinaries: AgentBinaries
  readonly versions: TemplateVersionService
  readonly templateAccess: TemplateAccess
  readonly dryRuns: DryRunService
  readonly parameters: ParameterService
  readonly workspaces: WorkspaceService
  readonly watches: WorkspaceWatches
  readonly builds: BuildService
  readonly agents: AgentService
  readonly instanceIdentity: InstanceIdentityService
  readonly tunnels: AgentTunnels
  readonly coordinator: CoordinatorService
  readonly derp: DerpService
  readonly gitSshKeys: GitSshKeyService
  readonly gitAuth: GitAuthService
  readonly resources: ResourcePresenter
  readonly autobuild: AutobuildLoop
  readonly audit: AuditService
  readonly groups: GroupService
  readonly quotas: QuotaService
  readonly deployment: DeploymentService
  readonly retention: RetentionLoop
  /** Begins what runs by itself: workers, leases, heartbeats. */
  start(): Promise<void>
  /** Ends it: no new work is taken, what is under way is ended gracefully. */
  stop(): Promise<void>
}

export function compose(world: World): Services {
  const { config, database, pubsub, secrets, clock, logger, random, accessUrl, derpMap, replicaId } = world
  const queries = database.kysely
  const jobStore = new JobStore(queries)
  const workspaceStore = new WorkspaceStore(queries)
  const buildStore = new BuildStore(queries, secrets)
  const versionStore = new TemplateVersionStore(queries)
  const agentStore = new AgentStore(queries)
  const logWakeUps = new WakeUps(pubsub, JOB_LOGS_CHANNEL)
  const workspaceWakeUps = new WakeUps(pubsub, WORKSPACES_CHANNEL)

  const audit = new AuditService({ store: new AuditStore(queries), clock, isEnabled: config.auditLogging })
  const { maxTokenLifetimeMs } = config
  const linkStore = new ExternalSignInStore(queries, secrets)
  const providers = signInProviders(world)
  const renewal = new LinkRenewal({ store: linkStore, providers, clock, logger })
  const sessions = new SessionService({
    database,
    store: new SessionStore(queries),
    audit,
    clock,
    maxTokenLifetimeMs,
    renewLink: async (userId, loginType) => await renewal.renew(userId, loginType),
  })
  const organizations = new OrganizationService({ database, store: new OrganizationStore(queries), audit, clock })
  const roles = new RoleService({ organizations })
  const files = new FileService({ store: new FileStore(queries), clock })
  const parameters = new ParameterService({ database, audit, store: new ParameterStore(queries, secrets), clock })
  const sealToken = (agentId: string, token: string): Buffer => secrets.sealText(token, placeOfToken(agentId))
  const jobs = new JobService({ store: jobStore, clock, logWakeUps, sealToken })
  const examples = new TemplateExamples(accessUrl)
  const agentBinaries = new AgentBinaries({
    directory: join(config.cacheDirectory, 'bin'),
    agentDirectory: config.agentDirectory,
    nodePath: process.execPath,
    platform: process.platform,
    architecture: wireArchitecture(process.arch),
    clock,
    logger,
  })
  const versions = new TemplateVersionService({ database, store: versionStore, files, examples, jobs, parameters, audit, clock, random })
  const dryRuns = new DryRunService({ database, store: versionStore, jobs, parameters })
  const templateAccess = new TemplateAccess({ database, store: new TemplateAccessStore(queries), audit, clock })
  const templateStore = new TemplateStore(queries)
  const metrics = new TemplateMetrics({
    store: templateStore,
    clock,
    logger,
    refreshIntervalMs: config.metricsCacheRefreshIntervalMs,
  })
  const templates = new TemplateService({ database, store: templateStore, versions, parameters, metrics, audit, clock })
  const starterTemplates = new StarterTemplates({ ids: config.autoImportTemplates, files, versions, templates, readPodNamespace })
  const userStore = new UserStore(queries)
  const users = new UserService({
    database,
    store: userStore,
    organizations,
    audit,
    clock,
    hashPassword,
    onFirstUser: async (first) => await starterTemplates.import(first),
  })
  const externalSignIn = new ExternalSignInService({ database, store: linkStore, providers, users, sessions, audit, clock, logger, random })
  const userChanges = new UserChanges({ database, store: userStore, organizations, sessions, audit, clock, hashPassword, isPassword })
  const builds = new BuildService({
    database,
    store: buildStore,
    jobs,
    parameters,
    templates,
    versions,
    clock,
    lockWorkspace: async (transaction, id) => await workspaceStore.in(transaction).lock(id),
  })
  const groups = new GroupService({ database, store: new GroupStore(queries), audit, clock })
  const quotas = new QuotaService({ database, store: new QuotaStore(queries) })
  const deployment = new DeploymentService({ config, store: new DeploymentStore(queries), accessUrl, version, logger })
  const retention = new RetentionLoop({ store: new RetentionStore(queries), clock, logger, keep: config.retention })
  const inactiveDisconnectTimeoutMs = config.agentInactiveDisconnectTimeoutMs
  const workspaces = new WorkspaceService({
    database,
    store: workspaceStore,
    builds,
    templates,
    versions,
    parameters,
    audit,
    clock,
    inactiveDisconnectTimeoutMs,
  })
  const authorization = new AuthorizationService({
    finders: accessFinders({ users, groups, templates, workspaces: workspaceStore }),
  })
  const resources = new ResourcePresenter({
    clock,
    inactiveDisconnectTimeoutMs,
    fallbackTroubleshootingUrl: config.agentFallbackTroubleshootingUrl || `${accessUrl}/docs`,
    latencyOf: (agentId) => coordinator.latencyOf(agentId),
  })
  const watches = new WorkspaceWatches({ store: workspaceStore, wakeUps: workspaceWakeUps, resources, clock })
  const presence = new AgentPresence({
    database,
    store: agentStore,
    clock,
    logger,
    replicaId,
    updateFrequencyMs: config.agentConnectionUpdateFrequencyMs,
  })
  const tunnels = new AgentTunnels({ presence, logger })
  const agents = new AgentService({
    database,
    store: agentStore,
    presence,
    tunnels,
    derpMap,
    clock,
    accessUrl,
    appHost: () => deployment.appHost(),
    browserOnly: config.browserOnly,
    statsIntervalMs: config.agentStatsIntervalMs,
    hashToken: hashAgentToken,
    openToken: (agentId, sealed) => secrets.openText(sealed, placeOfToken(agentId)),
    gitAuthProviders: config.gitAuthProviders.length,
  })
  const instanceIdentity = new InstanceIdentityService({
    ...config,
    store: new InstanceIdentityStore(queries),
    agents,
    clock,
    readText: async (path) => await readFile(path, 'utf8'),
  })
  const gitSshKeys = new GitSshKeyService({
    database,
    store: new GitSshKeyStore(queries, secrets),
    audit,
    clock,
    algorithm: config.sshKeygenAlgorithm,
  })
  const gitAuthWakeUps = new WakeUps(pubsub, GIT_AUTH_CHANNEL)
  const gitAuth = new GitAuthService({
    database,
    store: new GitAuthStore(queries, secrets),
    providers: config.gitAuthProviders,
    oauth: new OAuthClient({ fetch, now: () => clock.now() }),
    wakeUps: gitAuthWakeUps,
    clock,
    accessUrl,
  })
  const coordinator = new CoordinatorService({ agents, derpMap })
  const derp = new DerpService({ store: new DerpStore(queries), logger, random, isEnabled: config.derpServerEnable })
  const handlers: JobHandlers = {
    template_version_import: new ImportHandler({ store: versionStore, jobs, files, users, parameters, clock, accessUrl }),
    template_version_dry_run: new DryRunHandler({ store: versionStore, jobs, files, users, parameters, accessUrl }),
    workspace_build: new BuildHandler({
      quotas,
      store: buildStore,
      jobs,
      workspaces,
      versions,
      parameters,
      files,
      users,
      audit,
      clock,
      accessUrl,
    }),
  }
  const lease = new JobLease({ replicaId, database, store: jobStore, handlers, clock, logger })
  const autobuild = new AutobuildLoop({
    database,
    store: new AutobuildStore(queries),
    builds,
    clock,
    logger,
    pollIntervalMs: config.autobuildPollIntervalMs,
  })
  const daemons = createDaemons(world, { store: jobStore, handlers })
  const stopListening = pubsub.subscribe(QUEUE_CHANNEL, () => {
    for (const { daemon } of daemons) daemon.wake()
  })
  const openSessions = new OpenSessions(async (keyIds) => await sessions.findSignedIn(keyIds))
  const stopEnding = pubsub.subscribe(SESSIONS_CHANNEL, async (message) => {
    await openSessions.wake(message.kind === 'resync' ? undefined : message.payload)
  })
  const stopReloading = pubsub.subscribe(SECRETS_CHANNEL, () => secrets.reload())

  return {
    users,
    userChanges,
    sessions,
    openSessions,
    externalSignIn,
    accessUrl,
    organizations,
    roles,
    authorization,
    files,
    templates,
    examples,
    agentBinaries,
    versions,
    templateAccess,
    dryRuns,
    parameters,
    workspaces,
    watches,
    builds,
    agents,
    instanceIdentity,
    tunnels,
    coordinator,
    derp,
    gitSshKeys,
    gitAuth,
    resources,
    autobuild,
    audit,
    groups,
    quotas,
    deployment,
    retention,
    async start() {
      const now = timestamp(clock.now())
      for (const { id, name } of daemons)
        await jobStore.insertDaemon({
          id,
          name,
          provisioners: provisionerTypes,
          tags: BUILT_IN_TAGS,
          replica_id: replicaId,
          now,
        })
      await lease.tick()
      lease.start()
      autobuild.start()
      metrics.start()
      retention.start()
      deployment.start()
      presence.start()
      for (const { daemon } of daemons) daemon.start()
    },
    async stop() {
      stopListening()
      stopReloading()
      stopEnding()
      gitAuth.close()
      agentBinaries.stop()
      watches.close()
      await Promise.all([
        ...daemons.map(async ({ daemon }) => await daemon.stop()),
        lease.stop(),
        autobuild.stop(),
        metrics.stop(),
        retention.stop(),
        deployment.stop(),
        presence.stop(),
        derp.stop(),
      ])
      logWakeUps.close()
      workspaceWakeUps.close()
      gitAuthWakeUps.close()
    },
  }
}

/** Where the token of an agent is kept that is handed out later. */
function placeOfToken(agentId: string): string {
  return placeOf('workspace_agents', 'sealed_auth_token', agentId)
}

/** The places where people may sign in, besides here. */
function signInProviders({ config, accessUrl, clock }: World): Map<SignInProvider['loginType'], SignInProvider> {
  const providers = new Map<SignInProvider['loginType'], SignInProvider>()
  const { githubSignIn, oidcSignIn } = config
  const callback = (path: string): string => `${accessUrl}/api/v2/users${path}`
  if (githubSignIn !== undefined)
    providers.set('github', new GithubProvider({ settings: githubSignIn, callbackUrl: callback('/oauth2/github/callback'), clock }))
  if (oidcSignIn !== undefined)
    providers.set('oidc', new OidcProvider({ settings: oidcSignIn, callbackUrl: callback('/oidc/callback'), clock }))
  return providers
}

/** What access to the things that can be asked about by their ID depends on. */
function accessFinders(from: {
  readonly users: UserService
  readonly groups: GroupService
  readonly templates: TemplateService
  readonly workspaces: WorkspaceStore
}): Readonly<Record<'workspace' | 'workspace_execution' | 'template' | 'user' | 'group', FindAccess>> {
  const workspace: FindAccess = async (id) => await from.workspaces.findById(id)
  return {
    workspace,
    workspace_execution: workspace,
    template: async (id) => await from.templates.find(id),
    user: async (id) => ((await from.users.find(id)) === undefined ? undefined : {}),
    group: async (id) => await from.groups.find(id),
  }
}

function createDaemons(
  world: World,
  jobs: { readonly store: JobStore; readonly handlers: JobHandlers },
): { id: string; name: string; daemon: ProvisionerDaemon }[] {
  const { config, database, clock, logger, drivers, workDirectory } = world
  return Array.from({ length: config.provisionerDaemons }, (_, index) => {
    const id = randomUUID()
    const daemon = new ProvisionerDaemon({
      id,
      ...jobs,
      drivers,
      database,
      clock,
      logger: logger.child({ daemon: index }),
      workDirectory,
      pollIntervalMs: Math.max(MIN_POLL_INTERVAL_MS, config.provisionerPollIntervalMs),
      heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
      forceCancelIntervalMs: config.forceCancelIntervalMs,
    })
    return { id, name: `built-in ${index}`, daemon }
  })
}
