import { api } from '@berth/schema'
import type { Router } from 'express'
import { agentRoutes } from '../features/agents/routes.ts'
import { portShareRoutes } from '../features/apps/port-share-routes.ts'
import { applicationRoutes } from '../features/apps/routes.ts'
import { auditRoutes } from '../features/audit/routes.ts'
import { authorizationRoutes } from '../features/authorization/routes.ts'
import { buildRoutes } from '../features/builds/routes.ts'
import { coordinatorRoutes } from '../features/coordinator/routes.ts'
import { deploymentRoutes } from '../features/deployment/routes.ts'
import { externalSignInRoutes } from '../features/external-sign-in/routes.ts'
import { fileRoutes } from '../features/files/routes.ts'
import { groupRoutes } from '../features/groups/routes.ts'
import { gitAuthRoutes } from '../features/git-auth/routes.ts'
import { gitSshKeyRoutes } from '../features/git-ssh-keys/routes.ts'
import { instanceIdentityRoutes } from '../features/instance-identity/routes.ts'
import { organizationRoutes } from '../features/organizations/routes.ts'
import { roleRoutes } from '../features/roles/routes.ts'
import { quotaRoutes } from '../features/quotas/routes.ts'
import { parameterRoutes } from '../features/parameters/routes.ts'
import { sessionRoutes } from '../features/sessions/routes.ts'
import { dryRunRoutes } from '../features/template-versions/dry-run-routes.ts'
import { templateVersionRoutes } from '../features/template-versions/routes.ts'
import { templateRoutes } from '../features/templates/routes.ts'
import { userRoutes } from '../features/users/routes.ts'
import { workspaceFileRoutes } from '../features/workspace-contents/file-routes.ts'
import { processRoutes } from '../features/workspace-contents/process-routes.ts'
import { workspaceRoutes } from '../features/workspaces/routes.ts'
import { createGate } from '../gate/create-gate.ts'
import { serve, type Route } from '../http/serve.ts'
import type { WebSocketUpgrades } from '../http/websocket-upgrade.ts'
import type { AppOptions } from './app-options.ts'
import { mountRoutes } from './mount-routes.ts'

/** Returns the API, with one line for each group of endpoints. */
export function apiRoutes({ services, config, clock, logger }: AppOptions, upgrades: WebSocketUpgrades): Router {
  const { resources } = services
  const { apiRateLimit, secureAuthCookie, echoProvisioner: isForTests } = config
  const gate = createGate({ ...services, clock, apiRateLimit })
  const kit = { gate, upgrades, openSessions: services.openSessions, openAgents: services.openAgents }
  const routes: Route[] = [
    ...serve(api.applications, applicationRoutes(services.deployment, services.appSignIn), kit),
    ...serve(api.portShares, portShareRoutes(services.portShares), kit),
    ...serve(api.groups, groupRoutes(services.groups), kit),
    ...serve(api.quotas, quotaRoutes(services.quotas), kit),
    ...serve(api.audit, auditRoutes(services.audit), kit).filter(({ spec }) => spec !== api.audit.generateTest || isForTests),
    ...serve(api.deployment, deploymentRoutes(services.deployment), kit),
    ...serve(api.users, userRoutes({ service: services.users, changes: services.userChanges }), kit),
    ...serve(
      api.sessions,
      sessionRoutes(services.sessions, {
        secureAuthCookie,
        accessHost: services.deployment.accessHost(),
        isConfigured: (type) => services.externalSignIn.isConfigured(type),
      }),
      kit,
    ),
    ...serve(api.externalSignIn, externalSignInRoutes(services.externalSignIn, { secureAuthCookie, accessUrl: services.accessUrl }), kit),
    ...serve(api.organizations, organizationRoutes(services.organizations), kit),
    ...serve(api.roles, roleRoutes(services.roles), kit),
    ...serve(api.authorization, authorizationRoutes(services.authorization), kit),
    ...serve(api.files, fileRoutes(services.files), kit),
    ...serve(api.templates, templateRoutes(services.templates, services.templateAccess, services.examples), kit),
    ...serve(
      api.templateVersions,
      templateVersionRoutes({ service: services.versions, templates: services.templates, resources, clock }),
      kit,
    ),
    ...serve(api.dryRuns, dryRunRoutes({ service: services.dryRuns, resources, clock }), kit),
    ...serve(api.parameters, parameterRoutes(services.parameters), kit),
    ...serve(api.workspaces, workspaceRoutes({ service: services.workspaces, watches: services.watches, resources, clock }), kit),
    ...serve(api.builds, buildRoutes({ service: services.builds, resources, clock }), kit),
    ...serve(api.gitSshKeys, gitSshKeyRoutes(services.gitSshKeys, services.agents), kit),
    ...serve(api.gitAuth, gitAuthRoutes(services.gitAuth, services.agents), kit),
    ...serve(api.agents, agentRoutes({ service: services.agents, dialer: services.agentDialer, resources }), kit),
    ...serve(
      api.processes,
      processRoutes({
        service: services.contents,
        requireConnected: async (id) => await services.agentDialer.requireConnected(id),
        logger,
      }),
      kit,
    ),
    ...serve(api.workspaceFiles, workspaceFileRoutes(services.contents), kit),
    ...serve(api.instanceIdentity, instanceIdentityRoutes(services.instanceIdentity), kit),
    ...serve(api.coordinator, coordinatorRoutes(services.coordinator), kit),
  ]
  return mountRoutes(routes, gate)
}
