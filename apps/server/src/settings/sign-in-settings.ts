import { ConfigError } from './config-error.ts'
import type { SettingValues } from './setting-values.ts'

/** Signing in with GitHub. */
export interface GithubSignIn {
  readonly clientId: string
  readonly clientSecret: string
  /** Undefined: everyone may sign in, not only members of some organizations. */
  readonly allowedOrganizations: readonly string[] | undefined
  /** As `organization/team`. Empty: every team of the organizations may sign in. */
  readonly allowedTeams: readonly string[]
  readonly allowSignups: boolean
  /** URL of a GitHub Enterprise server. Undefined: github.com. */
  readonly enterpriseBaseUrl: string | undefined
}

/** Signing in with OpenID Connect. */
export interface OidcSignIn {
  readonly issuerUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scopes: readonly string[]
  /** Empty: addresses of every domain may sign in. */
  readonly emailDomains: readonly string[]
  readonly ignoreEmailVerified: boolean
  readonly allowSignups: boolean
}

/** Ways to sign in with an account of another site. Undefined: off. */
export interface SignInConfig {
  readonly githubSignIn: GithubSignIn | undefined
  readonly oidcSignIn: OidcSignIn | undefined
}

/**
 * Returns the ways to sign in that the settings describe.
 *
 * @throws ConfigError for a combination that lets nobody in, or that cannot work.
 */
export function signInConfig(values: SettingValues): SignInConfig {
  return { githubSignIn: githubSignIn(values), oidcSignIn: oidcSignIn(values) }
}

function githubSignIn(values: SettingValues): GithubSignIn | undefined {
  const { githubClientId: clientId, githubClientSecret: clientSecret, githubAllowedTeams: allowedTeams } = values
  if (clientSecret === '') return undefined
  if (clientId === '') throw new ConfigError('BERTH_OAUTH2_GITHUB_CLIENT_ID must be set with BERTH_OAUTH2_GITHUB_CLIENT_SECRET.')
  const { githubAllowedOrganizations: organizations, githubAllowEveryone: allowEveryone } = values
  if (allowEveryone && organizations.length + allowedTeams.length > 0)
    throw new ConfigError(
      'BERTH_OAUTH2_GITHUB_ALLOW_EVERYONE cannot be used with allowed organizations or teams: set either the one or the others.',
    )
  if (!allowEveryone && organizations.length === 0)
    throw new ConfigError('BERTH_OAUTH2_GITHUB_ALLOWED_ORGS must name an organization, or BERTH_OAUTH2_GITHUB_ALLOW_EVERYONE must be true.')
  return {
    clientId,
    clientSecret,
    allowedOrganizations: allowEveryone ? undefined : organizations,
    allowedTeams,
    allowSignups: values.githubAllowSignups,
    enterpriseBaseUrl: values.githubEnterpriseBaseUrl,
  }
}

function oidcSignIn(values: SettingValues): OidcSignIn | undefined {
  const { oidcClientId: clientId, oidcClientSecret: clientSecret, oidcIssuerUrl: issuerUrl } = values
  if (clientSecret === '') return undefined
  if (clientId === '') throw new ConfigError('BERTH_OIDC_CLIENT_ID must be set with BERTH_OIDC_CLIENT_SECRET.')
  if (issuerUrl === undefined) throw new ConfigError('BERTH_OIDC_ISSUER_URL must be set with BERTH_OIDC_CLIENT_SECRET.')
  return {
    issuerUrl,
    clientId,
    clientSecret,
    scopes: values.oidcScopes,
    emailDomains: values.oidcEmailDomains,
    ignoreEmailVerified: values.oidcIgnoreEmailVerified,
    allowSignups: values.oidcAllowSignups,
  }
}
