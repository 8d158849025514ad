import { Failure } from '@berth/schema'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import type { Clock } from '../../clock.ts'

const ISSUERS = ['https://accounts.google.com', 'accounts.google.com']
const KEYS_TIMEOUT_MS = 10_000

/** Machines of Google Cloud. */
export class GoogleIdentity {
  readonly #keys: ReturnType<typeof createRemoteJWKSet>
  readonly #audience: string
  readonly #clock: Clock

  constructor(options: { readonly keysUrl: string; readonly audience: string; readonly clock: Clock }) {
    this.#keys = createRemoteJWKSet(new URL(options.keysUrl), { timeoutDuration: KEYS_TIMEOUT_MS })
    this.#audience = options.audience
    this.#clock = options.clock
  }

  /** The ID of the machine that a token speaks of. Throws `instance_identity_refused`, `invalid_instance_identity`. */
  async identify(token: string): Promise<string> {
    const { google } = await this.#claims(token)
    const { compute_engine } = (google ?? {}) as { compute_engine?: { instance_id?: unknown } }
    const id = compute_engine?.instance_id
    if (typeof id !== 'string' || id === '')
      throw new Failure('invalid_instance_identity', { detail: 'The token does not name a machine; ask for it with format=full.' })
    return id
  }

  async #claims(token: string): Promise<Readonly<Record<string, unknown>>> {
    try {
      const options = {
        issuer: ISSUERS,
        audience: this.#audience,
        algorithms: ['RS256'],
        requiredClaims: ['exp'],
        currentDate: this.#clock.now(),
      }
      return (await jwtVerify(token, this.#keys, options)).payload
    } catch (error) {
      // Keys that cannot be had are a fault of the deployment, not of the machine.
      if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) throw error
      throw new Failure('instance_identity_refused', { detail: error.message, cause: error })
    }
  }
}
