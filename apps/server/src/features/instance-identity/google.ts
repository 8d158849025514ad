import { Failure } from '@berth/schema'
import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import type { Clock } from '../../clock.ts'

const ISSUERS = ['https://accounts.google.com', 'accounts.google.com']
const KEYS_TIMEOUT_MS = 10_000

/** Verifies the identity tokens of Google Cloud machines. */
export class GoogleIdentity {
  readonly #keys: ReturnType<typeof createRemoteJWKSet>
  readonly #audience: string
  readonly #clock: Clock

  constructor(options: { readonly keysUrl: string; readonly audience: string; readonly clock: Clock }) {
    this.#keys = createRemoteJWKSet(new URL(options.keysUrl), { timeoutDuration: KEYS_TIMEOUT_MS })
    this.#audience = options.audience
    this.#clock = options.clock
  }

  /**
   * Returns the machine ID in a token. Throws `instance_identity_refused`,
   * `invalid_instance_identity`.
   */
  async identify(token: string): Promise<string> {
    const { google } = await this.#claims(token)
    const { compute_engine } = (google ?? {}) as { compute_engine?: { instance_id?: unknown } }
    const id = compute_engine?.instance_id
    if (typeof id !== 'string' || id === '')
      throw new Failure('invalid_instance_identity', { detail: 'The token does not name a machine. Request it with format=full.' })
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
      // Unavailable keys are the deployment's fault, not the machine's.
      if (!(error instanceof errors.JOSEError) || error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid) throw error
      throw new Failure('instance_identity_refused', { detail: error.message, cause: error })
    }
  }
}
