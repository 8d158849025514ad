import { agents } from './endpoints/agents.ts'
import { applications } from './endpoints/applications.ts'
import { audit } from './endpoints/audit.ts'
import { authorization } from './endpoints/authorization.ts'
import { builds } from './endpoints/builds.ts'
import { coordinator } from './endpoints/coordinator.ts'
import { deployment } from './endpoints/deployment.ts'
import { dryRuns } from './endpoints/dry-runs.ts'
import type { Api } from './endpoint.ts'
import { externalSignIn } from './endpoints/external-sign-in.ts'
import { files } from './endpoints/files.ts'
import { groups } from './endpoints/groups.ts'
import { gitAuth } from './endpoints/git-auth.ts'
import { gitSshKeys } from './endpoints/git-ssh-keys.ts'
import { instanceIdentity } from './endpoints/instance-identity.ts'
import { organizations } from './endpoints/organizations.ts'
import { roles } from './endpoints/roles.ts'
import { parameters } from './endpoints/parameters.ts'
import { portShares } from './endpoints/port-shares.ts'
import { processes } from './endpoints/processes.ts'
import { quotas } from './endpoints/quotas.ts'
import { sessions } from './endpoints/sessions.ts'
import { templateVersions } from './endpoints/template-versions.ts'
import { templates } from './endpoints/templates.ts'
import { users } from './endpoints/users.ts'
import { workspaceFiles } from './endpoints/workspace-files.ts'
import { workspaces } from './endpoints/workspaces.ts'

/** The whole API: noun → operation → endpoint. The SDK's client has the same shape. */
export const api = {
  deployment,
  users,
  sessions,
  externalSignIn,
  organizations,
  roles,
  authorization,
  files,
  templates,
  templateVersions,
  dryRuns,
  parameters,
  workspaces,
  builds,
  agents,
  processes,
  workspaceFiles,
  instanceIdentity,
  applications,
  portShares,
  groups,
  quotas,
  audit,
  coordinator,
  gitSshKeys,
  gitAuth,
} as const satisfies Api
export type BerthApi = typeof api
