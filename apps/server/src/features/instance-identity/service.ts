import type { X509Certificate } from 'node:crypto'
import { Failure, type AWSInstanceIdentityToken, type AzureInstanceIdentityToken } from '@berth/schema'
import type { Clock } from '../../clock.ts'
import type { Cloud, InstanceIdentityConfig } from '../../settings/instance-identity-settings.ts'
import type { AgentService } from '../agents/service.ts'
import { identifyAws } from './aws.ts'
import { readCertificates } from './certificates.ts'
import { GoogleIdentity } from './google.ts'
import type { InstanceIdentityStore } from './store.ts'

interface Dependencies extends InstanceIdentityConfig {
  readonly store: InstanceIdentityStore
  readonly agents: AgentService
  readonly clock: Clock
  readonly readText: (path: string) => Promise<string>
}

/** Gives agents their token in exchange for proof of the machine they run on. */
export class InstanceIdentityService {
  readonly #dependencies: Dependencies
  readonly #google: GoogleIdentity
  readonly #certificates = new Map<string, Promise<X509Certificate[]>>()

  constructor(dependencies: Dependencies) {
    const { clock, instanceIdentity } = dependencies
    this.#dependencies = dependencies
    this.#google = new GoogleIdentity({ keysUrl: instanceIdentity.googleKeysUrl, audience: instanceIdentity.googleAudience, clock })
  }

  /**
   * Returns the token of the agent on a machine. Throws `instance_identity_disabled`,
   * `instance_identity_refused`, `invalid_instance_identity`, and what `tokenOfInstance` throws.
   */
  async aws(proof: AWSInstanceIdentityToken): Promise<string> {
    this.#require('aws')
    const { agents, instanceIdentity } = this.#dependencies
    return await agents.tokenOfInstance(identifyAws(proof, await this.#read(instanceIdentity.awsCertificatesPath)))
  }

  /** As {@link aws}. */
  async azure(proof: AzureInstanceIdentityToken): Promise<string> {
    this.#require('azure')
    const { agents, clock, instanceIdentity } = this.#dependencies
    const certificates = await this.#read(instanceIdentity.azureCertificatesPath)
    const { identifyAzure } = await import('./azure.ts') // its parser of certificates is a fifth of the server's code
    const proven = await identifyAzure(proof, { certificates, now: clock.now() })
    const token = await agents.tokenOfInstance(proven.instanceId)
    // Used up only now, so that a machine that asks before its build is stored can ask again.
    if (!(await this.#dependencies.store.use(proven, clock.now())))
      throw new Failure('instance_identity_refused', {
        detail: 'The document was used before. Request a new one from the metadata service.',
      })
    return token
  }

  /** As {@link aws}. */
  async google(token: string): Promise<string> {
    this.#require('google')
    return await this.#dependencies.agents.tokenOfInstance(await this.#google.identify(token))
  }

  #require(cloud: Cloud): void {
    if (!this.#dependencies.instanceIdentity.clouds.includes(cloud)) throw new Failure('instance_identity_disabled')
  }

  /** Reads a file once, and again after a failure. */
  async #read(path = ''): Promise<X509Certificate[]> {
    const reading = this.#certificates.get(path) ?? this.#dependencies.readText(path).then(readCertificates)
    this.#certificates.set(path, reading)
    try {
      return await reading
    } catch (error) {
      this.#certificates.delete(path)
      throw new Error(`the certificates in ${path} could not be read`, { cause: error })
    }
  }
}
