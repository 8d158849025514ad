import { ConfigError } from './config-error.ts'
import { httpUrl, list, optional, setting, text, type ReadSetting } from './setting.ts'

const CLOUDS = ['aws', 'azure', 'google'] as const

/** A cloud whose machines can prove which machine they are. */
export type Cloud = (typeof CLOUDS)[number]

/** Whose word about a machine is taken. */
export interface InstanceIdentityConfig {
  readonly instanceIdentity: {
    /** Empty: nobody's. */
    readonly clouds: readonly Cloud[]
    /** File with the certificates, in PEM, with which AWS signs; undefined where AWS is not among the clouds. */
    readonly awsCertificatesPath: string | undefined
    /** File with the certificates, in PEM, that those of Azure go back to; undefined where Azure is not among the clouds. */
    readonly azureCertificatesPath: string | undefined
    /** The keys with which Google signs. */
    readonly googleKeysUrl: string
    /** For whom a machine of Google has to ask for its identity. */
    readonly googleAudience: string
  }
}

const CLOUD_LIST = `Clouds whose machines may prove who they are: ${CLOUDS.join(', ')}.`

export const instanceIdentitySettings = {
  instanceIdentityClouds: setting('INSTANCE_IDENTITY', '', CLOUD_LIST, readClouds),
  awsCertificatesPath: setting(
    'INSTANCE_IDENTITY_AWS_CERTIFICATES',
    '',
    'File with the certificates (PEM) that AWS signs with.',
    optional(text),
  ),
  azureCertificatesPath: setting(
    'INSTANCE_IDENTITY_AZURE_CERTIFICATES',
    '',
    'File with the root certificates (PEM) of Azure, and those between them and its machines.',
    optional(text),
  ),
  googleKeysUrl: setting(
    'INSTANCE_IDENTITY_GOOGLE_KEYS',
    'https://www.googleapis.com/oauth2/v3/certs',
    'Where the keys of Google are.',
    httpUrl,
  ),
  googleAudience: setting('INSTANCE_IDENTITY_GOOGLE_AUDIENCE', 'coder', 'For whom machines of Google ask for their identity.', text),
}

/**
 * Puts the settings of instance identity together.
 *
 * @param read reads one of {@link instanceIdentitySettings}.
 * @throws ConfigError for a cloud whose word could not be checked.
 */
export function readInstanceIdentity(read: ReadSetting): InstanceIdentityConfig {
  const clouds = read(instanceIdentitySettings.instanceIdentityClouds)
  const awsCertificatesPath = read(instanceIdentitySettings.awsCertificatesPath)
  const azureCertificatesPath = read(instanceIdentitySettings.azureCertificatesPath)
  if (clouds.includes('aws') && awsCertificatesPath === undefined)
    throw new ConfigError('BERTH_INSTANCE_IDENTITY_AWS_CERTIFICATES must be set where BERTH_INSTANCE_IDENTITY has aws.')
  if (clouds.includes('azure') && azureCertificatesPath === undefined)
    throw new ConfigError('BERTH_INSTANCE_IDENTITY_AZURE_CERTIFICATES must be set where BERTH_INSTANCE_IDENTITY has azure.')
  return {
    instanceIdentity: {
      clouds,
      awsCertificatesPath,
      azureCertificatesPath,
      googleKeysUrl: read(instanceIdentitySettings.googleKeysUrl),
      googleAudience: read(instanceIdentitySettings.googleAudience),
    },
  }
}

function readClouds(value: string): Cloud[] {
  return list(value).map((word) => {
    const cloud = CLOUDS.find((known) => known === word)
    if (cloud === undefined) throw new ConfigError(`"${word}" is none of ${CLOUDS.join(', ')}.`)
    return cloud
  })
}
