import { type DeploymentConfig, type DeploymentConfigField, type Entitlements } from '@berth/schema'
import type { Config } from '../../settings/config.ts'
import type { DeploymentValue } from '../../settings/deployment-values.ts'

/** The server doesn't have the feature. */
const MISSING = { entitlement: 'not_entitled', enabled: false } as const

/**
 * Returns which features the server has, and which of those are on. None needs a license, but
 * clients hide features that are there from a server without one.
 */
export function presentEntitlements({ auditLogging, browserOnly }: Pick<Config, 'auditLogging' | 'browserOnly'>): Entitlements {
  return {
    features: {
      user_limit: MISSING,
      audit_log: when(auditLogging),
      browser_only: when(browserOnly),
      scim: MISSING,
      template_rbac: when(true),
      high_availability: MISSING,
      multiple_git_auth: when(true),
      external_provisioner_daemons: MISSING,
      service_banners: when(true),
    },
    warnings: [],
    errors: [],
    has_license: true,
    experimental: false,
    trial: false,
  }
}

function when(enabled: boolean) {
  return { entitlement: 'entitled', enabled } as const
}

type Nested = { [word: string]: DeploymentConfigField | Nested }

/**
 * Returns the settings as the wire shows them: nested by the words of their paths, without secrets
 * (Coder v2 API, v0.13.4).
 */
export function presentConfig(config: Pick<Config, 'deploymentValues' | 'gitAuthProviders'>): DeploymentConfig {
  const root: Nested = {}
  for (const entry of config.deploymentValues) {
    const words = entry.setting.path.split('.')
    const last = words.pop() ?? ''
    let place = root
    // A word that leads on is never a setting, so this is a nested object.
    for (const word of words) place = (place[word] ??= {}) as Nested
    place[last] = presentField(entry.setting.kind === 'gitauth[]' ? { ...entry, value: presentProviders(config) } : entry)
  }
  return root
}

function presentField({ setting, default: standard, value }: DeploymentValue): DeploymentConfigField {
  const { label, usage, flag, shorthand, enterprise, hidden, secret, kind } = setting
  const isUnsetList = kind.endsWith('[]') && Array.isArray(standard) && standard.length === 0
  return {
    name: label,
    usage,
    flag,
    shorthand,
    enterprise,
    hidden,
    secret,
    default: secret ? '' : isUnsetList ? null : standard,
    value: secret ? '' : value,
  }
}

function presentProviders({ gitAuthProviders }: Pick<Config, 'gitAuthProviders'>): unknown[] {
  return gitAuthProviders.map(({ id, type, clientId, authUrl, tokenUrl, validateUrl, regex, noRefresh, scopes }) => ({
    id,
    type,
    client_id: clientId,
    auth_url: authUrl,
    token_url: tokenUrl,
    validate_url: validateUrl ?? '',
    regex: regex.source,
    no_refresh: noRefresh,
    scopes,
  }))
}
