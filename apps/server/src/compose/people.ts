import { GIT_AUTH_CHANNEL, SESSIONS_CHANNEL } from '../database/channels.ts'
import { WakeUps } from '../database/wake-ups.ts'
import { AuditService } from '../features/audit/service.ts'
import { AuditStore } from '../features/audit/store.ts'
import { GithubProvider } from '../features/external-sign-in/github-provider.ts'
import { LinkRenewal } from '../features/external-sign-in/link-renewal.ts'
import { OidcProvider } from '../features/external-sign-in/oidc-provider.ts'
import type { SignInProvider } from '../features/external-sign-in/provider.ts'
import { ExternalSignInService } from '../features/external-sign-in/service.ts'
import { ExternalSignInStore } from '../features/external-sign-in/store.ts'
import { OAuthClient } from '../features/git-auth/oauth-client.ts'
import { GitAuthService } from '../features/git-auth/service.ts'
import { GitAuthStore } from '../features/git-auth/store.ts'
import { GitSshKeyService } from '../features/git-ssh-keys/service.ts'
import { GitSshKeyStore } from '../features/git-ssh-keys/store.ts'
import { GroupService } from '../features/groups/service.ts'
import { GroupStore } from '../features/groups/store.ts'
import { OrganizationService } from '../features/organizations/service.ts'
import { OrganizationStore } from '../features/organizations/store.ts'
import { RoleService } from '../features/roles/service.ts'
import { hashPassword, isPassword } from '../features/sessions/password.ts'
import { SessionService } from '../features/sessions/service.ts'
import { sessionLookup } from '../features/sessions/session-lookup.ts'
import { SessionStore } from '../features/sessions/store.ts'
import { UserService } from '../features/users/service.ts'
import { UserStore } from '../features/users/store.ts'
import { UserChanges } from '../features/users/user-changes.ts'
import { OpenConnections } from '../http/open-connections.ts'
import type { Area, World } from './area.ts'

/** Users, their sign-in, organizations, groups, roles and keys, and the audit log. */
export interface PeopleServices extends Accounts, Keys {
  readonly audit: AuditService
  readonly organizations: OrganizationService
  readonly roles: RoleService
  readonly groups: GroupService
}

export function composePeople(world: World): Area<PeopleServices> {
  const { config, database, pubsub, clock } = world
  const queries = database.kysely
  const audit = new AuditService({ store: new AuditStore(queries), clock, isEnabled: config.auditLogging })
  const organizations = new OrganizationService({ database, store: new OrganizationStore(queries), audit, clock })
  const roles = new RoleService({ organizations })
  const groups = new GroupService({ database, store: new GroupStore(queries), audit, clock })
  const accounts = composeAccounts(world, { audit, organizations })
  const gitAuthWakeUps = new WakeUps(pubsub, GIT_AUTH_CHANNEL)
  const keys = composeKeys(world, { audit, gitAuthWakeUps })
  const stopEnding = pubsub.subscribe(SESSIONS_CHANNEL, async (message) => {
    await accounts.openSessions.wake(message.kind === 'resync' ? undefined : message.payload)
  })
  return {
    services: { audit, organizations, roles, groups, ...accounts, ...keys },
    release: () => keys.gitAuth.close(),
    stop() {
      stopEnding()
      gitAuthWakeUps.close()
    },
  }
}

interface Accounts {
  readonly sessions: SessionService
  /** Streams and sockets that close when the session behind them ends. */
  readonly openSessions: OpenConnections
  readonly users: UserService
  readonly userChanges: UserChanges
  readonly externalSignIn: ExternalSignInService
}

function composeAccounts(
  world: World,
  { audit, organizations }: { readonly audit: AuditService; readonly organizations: OrganizationService },
): Accounts {
  const { config, database, secrets, clock, logger, random } = world
  const queries = database.kysely
  const linkStore = new ExternalSignInStore(queries, secrets)
  const providers = signInProviders(world)
  const renewal = new LinkRenewal({ store: linkStore, providers, clock, logger })
  const sessions = new SessionService({
    database,
    store: new SessionStore(queries),
    audit,
    clock,
    maxTokenLifetimeMs: config.maxTokenLifetimeMs,
    renewLink: async (userId, loginType) => await renewal.renew(userId, loginType),
  })
  const store = new UserStore(queries)
  const users = new UserService({ database, store, organizations, audit, clock, hashPassword })
  return {
    sessions,
    openSessions: new OpenConnections(sessionLookup(sessions)),
    users,
    userChanges: new UserChanges({ database, store, organizations, sessions, audit, clock, hashPassword, isPassword }),
    externalSignIn: new ExternalSignInService({ database, store: linkStore, providers, users, sessions, audit, clock, logger, random }),
  }
}

/** Returns the configured sign-in providers by login type. */
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

interface Keys {
  readonly gitSshKeys: GitSshKeyService
  readonly gitAuth: GitAuthService
}

function composeKeys(
  { config, database, secrets, clock, accessUrl }: World,
  { audit, gitAuthWakeUps }: { readonly audit: AuditService; readonly gitAuthWakeUps: WakeUps },
): Keys {
  const queries = database.kysely
  return {
    gitSshKeys: new GitSshKeyService({
      database,
      store: new GitSshKeyStore(queries, secrets),
      audit,
      clock,
      algorithm: config.sshKeygenAlgorithm,
    }),
    gitAuth: new GitAuthService({
      database,
      store: new GitAuthStore(queries, secrets),
      providers: config.gitAuthProviders,
      oauth: new OAuthClient({ fetch, now: () => clock.now() }),
      wakeUps: gitAuthWakeUps,
      clock,
      accessUrl,
    }),
  }
}
