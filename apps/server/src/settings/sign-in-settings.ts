import { parseBool } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'
import { httpUrl, list, optional, setting, text, type ReadSetting } from './setting.ts'

/** Signing in with GitHub. */
export interface GithubSignIn {
  readonly clientId: string
  readonly clientSecret: string
  /** Members of these may sign in; undefined: everybody may. */
  readonly allowedOrganizations: readonly string[] | undefined
  /** Only members of one of these, as `organization/team`; empty: organizations are enough. */
  readonly allowedTeams: readonly string[]
  readonly allowSignups: boolean
  /** Of a GitHub Enterprise server; undefined: github.com. */
  readonly enterpriseBaseUrl: string | undefined
}

/** Signing in with OpenID Connect. */
export interface OidcSignIn {
  readonly issuerUrl: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scopes: readonly string[]
  /** What addresses may end with; empty: anything. */
  readonly emailDomains: readonly string[]
  readonly ignoreEmailVerified: boolean
  readonly allowSignups: boolean
}

/** Ways to sign in with an account that people have elsewhere; undefined: not set up. */
export interface SignInConfig {
  readonly githubSignIn: GithubSignIn | undefined
  readonly oidcSignIn: OidcSignIn | undefined
}

/** Their names, flags and defaults (Coder v2 API, v0.13.4). */
export const signInSettings = {
  githubClientId: setting('OAUTH2_GITHUB_CLIENT_ID', '', 'Client ID for signing in with GitHub.', text),
  githubClientSecret: setting('OAUTH2_GITHUB_CLIENT_SECRET', '', 'Client secret for signing in with GitHub; turns it on.', text),
  githubAllowedOrganizations: setting('OAUTH2_GITHUB_ALLOWED_ORGS', '', 'GitHub organizations whose members may sign in.', list),
  githubAllowedTeams: setting('OAUTH2_GITHUB_ALLOWED_TEAMS', '', 'GitHub teams whose members may sign in, as organization/team.', teams),
  githubAllowSignups: setting('OAUTH2_GITHUB_ALLOW_SIGNUPS', 'false', 'People without an account get one when they use GitHub.', parseBool),
  githubAllowEveryone: setting('OAUTH2_GITHUB_ALLOW_EVERYONE', 'false', 'Everybody with a GitHub account may sign in.', parseBool),
  githubEnterpriseBaseUrl: setting('OAUTH2_GITHUB_ENTERPRISE_BASE_URL', '', 'URL of a GitHub Enterprise server.', optional(httpUrl)),
  oidcIssuerUrl: setting('OIDC_ISSUER_URL', '', 'URL of the OpenID Connect provider.', optional(httpUrl)),
  oidcClientId: setting('OIDC_CLIENT_ID', '', 'Client ID for signing in with OpenID Connect.', text),
  oidcClientSecret: setting('OIDC_CLIENT_SECRET', '', 'Client secret for signing in with OpenID Connect; turns it on.', text),
  oidcScopes: setting('OIDC_SCOPES', 'openid,profile,email', 'Scopes to ask the OpenID Connect provider for.', list),
  oidcEmailDomains: setting('OIDC_EMAIL_DOMAIN', '', 'What the e-mail addresses that may sign in end with.', list),
  oidcIgnoreEmailVerified: setting(
    'OIDC_IGNORE_EMAIL_VERIFIED',
    'false',
    'Accept addresses that the provider has not verified.',
    parseBool,
  ),
  oidcAllowSignups: setting('OIDC_ALLOW_SIGNUPS', 'true', 'People without an account get one when they use OpenID Connect.', parseBool),
}

/**
 * Puts the settings of signing in together.
 *
 * @param read reads one of {@link signInSettings}.
 * @throws ConfigError for a combination that would let nobody in, or cannot work.
 */
export function readSignIn(read: ReadSetting): SignInConfig {
  return { githubSignIn: readGithub(read), oidcSignIn: readOidc(read) }
}

function readGithub(read: ReadSetting): GithubSignIn | undefined {
  const clientSecret = read(signInSettings.githubClientSecret)
  if (clientSecret === '') return undefined
  const clientId = read(signInSettings.githubClientId)
  if (clientId === '') throw new ConfigError('BERTH_OAUTH2_GITHUB_CLIENT_ID must be set with BERTH_OAUTH2_GITHUB_CLIENT_SECRET.')
  const organizations = read(signInSettings.githubAllowedOrganizations)
  const allowedTeams = read(signInSettings.githubAllowedTeams)
  const allowEveryone = read(signInSettings.githubAllowEveryone)
  if (allowEveryone && organizations.length + allowedTeams.length > 0)
    throw new ConfigError('BERTH_OAUTH2_GITHUB_ALLOW_EVERYONE cannot be used with allowed organizations or teams: leave one of them out.')
  if (!allowEveryone && organizations.length === 0)
    throw new ConfigError('BERTH_OAUTH2_GITHUB_ALLOWED_ORGS must name an organization, or BERTH_OAUTH2_GITHUB_ALLOW_EVERYONE must be true.')
  return {
    clientId,
    clientSecret,
    allowedOrganizations: allowEveryone ? undefined : organizations,
    allowedTeams,
    allowSignups: read(signInSettings.githubAllowSignups),
    enterpriseBaseUrl: read(signInSettings.githubEnterpriseBaseUrl),
  }
}

function readOidc(read: ReadSetting): OidcSignIn | undefined {
  const clientSecret = read(signInSettings.oidcClientSecret)
  if (clientSecret === '') return undefined
  const clientId = read(signInSettings.oidcClientId)
  const issuerUrl = read(signInSettings.oidcIssuerUrl)
  if (clientId === '') throw new ConfigError('BERTH_OIDC_CLIENT_ID must be set with BERTH_OIDC_CLIENT_SECRET.')
  if (issuerUrl === undefined) throw new ConfigError('BERTH_OIDC_ISSUER_URL must be set with BERTH_OIDC_CLIENT_SECRET.')
  return {
    issuerUrl,
    clientId,
    clientSecret,
    scopes: read(signInSettings.oidcScopes),
    emailDomains: read(signInSettings.oidcEmailDomains),
    ignoreEmailVerified: read(signInSettings.oidcIgnoreEmailVerified),
    allowSignups: read(signInSettings.oidcAllowSignups),
  }
}

function teams(value: string): string[] {
  const named = list(value)
  const wrong = named.find((team) => !/^[^/]+\/[^/]+$/.test(team))
  if (wrong !== undefined) throw new ConfigError(`"${wrong}" is not a team. Write organization/team.`)
  return named
}
