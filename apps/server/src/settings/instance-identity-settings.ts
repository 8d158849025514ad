import { ConfigError } from './config-error.ts'
import type { SettingValues } from './setting-values.ts'

/** A cloud whose machines can prove which machine they are. */
export type Cloud = SettingValues['instanceIdentityClouds'][number]

/** Which clouds the server trusts to identify machines, and how it checks their signatures. */
export interface InstanceIdentityConfig {
  readonly instanceIdentity: {
    /** Empty: the server trusts none. */
    readonly clouds: readonly Cloud[]
    /** PEM file with the certificates that AWS signs with. Always defined if AWS is trusted. */
    readonly awsCertificatesPath: string | undefined
    /**
     * PEM file with the root and intermediate certificates of Azure. Always defined if Azure is
     * trusted.
     */
    readonly azureCertificatesPath: string | undefined
    /** URL of the keys that Google signs with. */
    readonly googleKeysUrl: string
    /** Audience for which a machine of Google must request its identity. */
    readonly googleAudience: string
  }
}

/** Throws ConfigError for a trusted cloud whose signatures couldn't be checked. */
export function instanceIdentityConfig(values: SettingValues): InstanceIdentityConfig {
  const { instanceIdentityClouds: clouds, awsCertificatesPath, azureCertificatesPath, googleKeysUrl, googleAudience } = values
  if (clouds.includes('aws') && awsCertificatesPath === undefined)
    throw new ConfigError('BERTH_INSTANCE_IDENTITY_AWS_CERTIFICATES must be set if BERTH_INSTANCE_IDENTITY includes aws.')
  if (clouds.includes('azure') && azureCertificatesPath === undefined)
    throw new ConfigError('BERTH_INSTANCE_IDENTITY_AZURE_CERTIFICATES must be set if BERTH_INSTANCE_IDENTITY includes azure.')
  return { instanceIdentity: { clouds, awsCertificatesPath, azureCertificatesPath, googleKeysUrl, googleAudience } }
}
