/** What a provider says about a user who signed in with it. */
export interface ExternalIdentity {
  /** Identifies the account for good; addresses and names can change. */
  readonly linkedId: string
  /** The text that a new username is derived from. */
  readonly username: string
  readonly email: string
  readonly avatarUrl: string
  readonly tokens: ExternalTokens
}

/** The tokens that a provider issues. */
export interface ExternalTokens {
  readonly accessToken: string
  /** Empty when there is none. */
  readonly refreshToken: string
  /** When the access token expires; undefined when it doesn't. */
  readonly expiresAt: Date | undefined
}

/** What a browser brings back from a provider. */
export interface ProviderAnswer {
  /** The callback URL with its `code` and `state`. */
  readonly url: URL
  readonly code: string
  readonly state: string
  /** The secret of the browser that started the sign-in; undefined when it has none. */
  readonly verifier: string | undefined
}

/** A provider of accounts to sign in with. */
export interface SignInProvider {
  readonly loginType: 'github' | 'oidc'
  /** Whether a user without an account gets one. */
  readonly allowSignups: boolean
  /** Returns where to send the browser. */
  authorizationUrl(request: { readonly state: string; readonly verifier: string }): Promise<URL>
  /** Throws `external_sign_in_failed` and other failures of external sign-in. */
  identify(answer: ProviderAnswer): Promise<ExternalIdentity>
  /** Throws when the provider issues no new tokens. */
  refresh(refreshToken: string): Promise<ExternalTokens>
}

/** How long to wait for a provider's answer. */
export const PROVIDER_TIMEOUT_MS = 10_000
