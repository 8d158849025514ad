import { agents } from './agents.ts'
import { applications } from './applications.ts'
import { audit } from './audit.ts'
import { authorization } from './authorization.ts'
import { builds } from './builds.ts'
import { coordinator } from './coordinator.ts'
import { deployment } from './deployment.ts'
import { dryRuns } from './dry-runs.ts'
import type { Api } from './endpoint.ts'
import { externalSignIn } from './external-sign-in.ts'
import { files } from './files.ts'
import { groups } from './groups.ts'
import { gitAuth } from './git-auth.ts'
import { gitSshKeys } from './git-ssh-keys.ts'
import { instanceIdentity } from './instance-identity.ts'
import { organizations } from './organizations.ts'
import { roles } from './roles.ts'
import { parameters } from './parameters.ts'
import { quotas } from './quotas.ts'
import { sessions } from './sessions.ts'
import { templateVersions } from './template-versions.ts'
import { templates } from './templates.ts'
import { users } from './users.ts'
import { workspaces } from './workspaces.ts'

/** The whole API: noun → operation → endpoint. The SDK has the same shape. */
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
  instanceIdentity,
  applications,
  groups,
  quotas,
  audit,
  coordinator,
  gitSshKeys,
  gitAuth,
} as const satisfies Api
export type BerthApi = typeof api
