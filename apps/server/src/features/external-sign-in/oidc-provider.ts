import { createHash } from 'node:crypto'
import { Failure } from '@berth/schema'
import {
  ClientError,
  ClientSecretPost,
  ResponseBodyError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  discovery,
  enableNonRepudiationChecks,
  refreshTokenGrant,
  type Configuration,
  type TokenEndpointResponse,
} from 'openid-client'
import type { Clock } from '../../clock.ts'
import type { OidcSignIn } from '../../settings/sign-in-settings.ts'
import { readClaims } from './oidc-claims.ts'
import { PROVIDER_TIMEOUT_MS, type ExternalIdentity, type ExternalTokens, type ProviderAnswer, type SignInProvider } from './provider.ts'

/** Errors for an answer that arrived but can't be trusted. */
const UNTRUSTED = new Set([
  'OAUTH_INVALID_RESPONSE',
  'OAUTH_PARSE_ERROR',
  'OAUTH_JWT_TIMESTAMP_CHECK_FAILED',
  'OAUTH_JWT_CLAIM_COMPARISON_FAILED',
  'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED',
  'OAUTH_KEY_SELECTION_FAILED',
  'OAUTH_UNSUPPORTED_OPERATION',
])

/** Signs users in with an OpenID Connect provider. */
export class OidcProvider implements SignInProvider {
  readonly loginType = 'oidc'
  readonly allowSignups: boolean
  readonly #settings: OidcSignIn
  readonly #callbackUrl: string
  readonly #clock: Clock
  #configuration: Promise<Configuration> | undefined

  constructor(options: { readonly settings: OidcSignIn; readonly callbackUrl: string; readonly clock: Clock }) {
    this.#settings = options.settings
    this.#callbackUrl = options.callbackUrl
    this.#clock = options.clock
    this.allowSignups = options.settings.allowSignups
  }

  async authorizationUrl({ state, verifier }: { readonly state: string; readonly verifier: string }): Promise<URL> {
    const configuration = await this.#discover()
    return buildAuthorizationUrl(configuration, {
      redirect_uri: this.#callbackUrl,
      scope: this.#settings.scopes.join(' '),
      state,
      nonce: nonceOf(verifier),
      access_type: 'offline',
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
  }

  async identify({ url, state, verifier }: ProviderAnswer): Promise<ExternalIdentity> {
    const configuration = await this.#discover()
    const callback = new URL(this.#callbackUrl)
    callback.search = url.search
    try {
      const answer = await authorizationCodeGrant(configuration, callback, {
        expectedState: state,
        idTokenExpected: true,
        // A token with a nonce is refused where none is expected, so the verifier decides both
        // times.
        ...(verifier !== undefined && { pkceCodeVerifier: verifier, expectedNonce: nonceOf(verifier) }),
      })
      const claims = answer.claims()
      if (claims === undefined) throw new Failure('invalid_external_sign_in', { message: "The provider's answer has no ID token." })
      return { ...readClaims(claims, this.#settings), tokens: this.#tokensOf(answer) }
    } catch (error) {
      throw failureOf(error)
    }
  }

  async refresh(refreshToken: string): Promise<ExternalTokens> {
    const tokens = this.#tokensOf(await refreshTokenGrant(await this.#discover(), refreshToken))
    return { ...tokens, refreshToken: tokens.refreshToken || refreshToken }
  }

  /** Discovers the provider's configuration once, and again after a failure. */
  async #discover(): Promise<Configuration> {
    const { issuerUrl, clientId, clientSecret } = this.#settings
    const isInsecure = new URL(issuerUrl).protocol === 'http:'
    this.#configuration ??= discovery(new URL(issuerUrl), clientId, { client_secret: clientSecret }, ClientSecretPost(clientSecret), {
      // Checks signatures, although the token comes straight from the provider.
      execute: [enableNonRepudiationChecks, ...(isInsecure ? [allowInsecureRequests] : [])],
      timeout: PROVIDER_TIMEOUT_MS / 1000,
    })
    try {
      return await this.#configuration
    } catch (error) {
      this.#configuration = undefined
      throw new Failure('external_sign_in_failed', { message: "Can't reach the OpenID Connect provider.", cause: error })
    }
  }

  #tokensOf({ access_token, refresh_token = '', expires_in }: TokenEndpointResponse): ExternalTokens {
    return {
      accessToken: access_token,
      refreshToken: refresh_token,
      expiresAt: expires_in === undefined ? undefined : new Date(this.#clock.now().getTime() + expires_in * 1000),
    }
  }
}

/** Derives the nonce from the verifier, which only the browser that started the sign-in has. */
function nonceOf(verifier: string): string {
  return createHash('sha256').update(`nonce:${verifier}`).digest('base64url')
}

function failureOf(error: unknown): unknown {
  if (error instanceof ResponseBodyError)
    return new Failure('external_sign_in_failed', { message: 'Failed exchanging Oauth code.', detail: error.error, cause: error })
  if (error instanceof ClientError && UNTRUSTED.has(error.code ?? ''))
    return new Failure('invalid_external_sign_in', {
      message: 'Failed to verify OIDC token.',
      detail: error.cause instanceof Error ? error.cause.message : error.message,
      cause: error,
    })
  if (error instanceof ClientError || error instanceof TypeError)
    return new Failure('external_sign_in_failed', { message: 'Failed exchanging Oauth code.', cause: error })
  return error
}
