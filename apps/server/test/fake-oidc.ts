import { text } from 'node:stream/consumers'
import { SignJWT, exportJWK, generateKeyPair } from 'jose'
import { listen } from './listen.ts'

/** A provider of OpenID Connect that says whatever a test wants, true or not. */
export interface FakeOidc {
  readonly url: string
  /** A code that is redeemed for what is given, besides an access token. */
  codeFor(answer: Readonly<Record<string, unknown>>): string
  /** An ID token with these claims. With `isForged` of another key. */
  idToken(claims: Readonly<Record<string, unknown>>, options?: { readonly isForged?: boolean; readonly audience?: string }): Promise<string>
  stop(): Promise<void>
}

export async function startFakeOidc(): Promise<FakeOidc> {
  const listening = await listen()
  const { url } = listening
  const [keys, otherKeys] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')])
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'key', alg: 'RS256', use: 'sig' }
  const codes = new Map<string, Readonly<Record<string, unknown>>>()
  const documents: Readonly<Record<string, unknown>> = {
    '/.well-known/openid-configuration': {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/keys`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    },
    '/keys': { keys: [jwk] },
  }
  listening.answer((request, response) => {
    const send = (status: number, body: unknown): void => {
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(body))
    }
    if (request.url !== '/token') return send(200, documents[request.url ?? ''] ?? {})
    text(request).then(
      (body) => {
        const answer = codes.get(new URLSearchParams(body).get('code') ?? '')
        return answer === undefined
          ? send(400, { error: 'invalid_grant' })
          : send(200, { access_token: 'token', token_type: 'Bearer', ...answer })
      },
      () => response.destroy(),
    )
  })
  return {
    url,
    codeFor(answer) {
      const code = `code-${codes.size}`
      codes.set(code, answer)
      return code
    },
    idToken: async (claims, { isForged = false, audience = 'berth' } = {}) =>
      await new SignJWT(claims)
        .setProtectedHeader({ alg: 'RS256', kid: 'key' })
        .setIssuer(url)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(isForged ? otherKeys.privateKey : keys.privateKey),
    stop: async () => await listening.stop(),
  }
}
