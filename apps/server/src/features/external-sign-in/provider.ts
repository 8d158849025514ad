/** What a provider knows of somebody who signed in with it. */
export interface ExternalIdentity {
  /** Who it is, for ever; addresses and names change. */
  readonly linkedId: string
  /** What a username is made of. */
  readonly username: string
  readonly email: string
  readonly avatarUrl: string
  readonly tokens: ExternalTokens
}

/** What a provider hands out, to be asked again later. */
export interface ExternalTokens {
  readonly accessToken: string
  /** Empty: there is none. */
  readonly refreshToken: string
  /** From when the access token is worth nothing; undefined: it does not expire. */
  readonly expiresAt: Date | undefined
}

/** What a browser brings back from a provider. */
export interface ProviderAnswer {
  /** As the provider sent it, with `code` and `state`. */
  readonly url: URL
  readonly code: string
  readonly state: string
  /** The secret of the browser that set out; undefined: it has none. */
  readonly verifier: string | undefined
}

/** A place where people have accounts. */
export interface SignInProvider {
  readonly loginType: 'github' | 'oidc'
  /** Whether people without an account get one. */
  readonly allowSignups: boolean
  /** Where a browser is sent to. */
  authorizationUrl(request: { readonly state: string; readonly verifier: string }): Promise<URL>
  /** Throws `external_sign_in_failed`, `invalid_external_sign_in` and its kin. */
  identify(answer: ProviderAnswer): Promise<ExternalIdentity>
  /** Throws when the provider gives no new tokens. */
  refresh(refreshToken: string): Promise<ExternalTokens>
}

/** No provider is waited for longer. */
export const PROVIDER_TIMEOUT_MS = 10_000
