import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { GitAuthProvider } from '../src/settings/git-auth-settings.ts'

/** A git host as far as signing in goes: a real OAuth server on a socket. */
export interface GitHost {
  readonly url: string
  /** Forms that were posted to the token endpoint. */
  readonly tokenRequests: Record<string, string>[]
  /** Authorization headers that the validation endpoint has seen. */
  readonly validations: string[]
  /**
   * What the next tokens are like: seconds until they expire, whether they can be renewed, whether
   * any are issued.
   */
  tokens: { expiresIn?: number; hasRefresh: boolean; isRefused?: boolean; isForm?: boolean }
  /** What the validation endpoint answers. */
  validation: { status: number; body: string }
  /** A provider of this host. */
  provider(fields?: Partial<GitAuthProvider>): GitAuthProvider
  stop(): Promise<void>
}

export async function startGitHost(): Promise<GitHost> {
  let issued = 0
  const server = createServer((request, response) => {
    void answer(request, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const host: GitHost = {
    url,
    tokenRequests: [],
    validations: [],
    tokens: { hasRefresh: true },
    validation: { status: 200, body: '' },
    provider: (fields = {}) => ({
      id: 'github',
      type: 'github',
      clientId: 'berth',
      clientSecret: 'client secret',
      authUrl: `${url}/authorize`,
      tokenUrl: `${url}/token`,
      validateUrl: undefined,
      regex: /github\.com/,
      noRefresh: false,
      scopes: ['repo', 'workflow'],
      ...fields,
    }),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.url === '/validate') {
      host.validations.push(request.headers.authorization ?? '')
      response.statusCode = host.validation.status
      response.end(host.validation.body)
      return
    }
    let text = ''
    for await (const chunk of request) text += String(chunk)
    const form = Object.fromEntries(new URLSearchParams(text))
    host.tokenRequests.push({
      ...form,
      ...(request.headers.authorization !== undefined && { authorization: request.headers.authorization }),
    })
    const { expiresIn, hasRefresh, isRefused, isForm } = host.tokens
    if (request.url !== '/token' || isRefused === true) {
      response.statusCode = 400
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify({ error: 'bad_verification_code', error_description: 'It has been used.' }))
      return
    }
    issued += 1
    const token = {
      access_token: `token-${issued}`,
      token_type: 'bearer',
      ...(hasRefresh && { refresh_token: `refresh-${issued}` }),
      ...(expiresIn !== undefined && { expires_in: expiresIn }),
    }
    response.setHeader('Content-Type', isForm === true ? 'application/x-www-form-urlencoded' : 'application/json')
    response.end(
      isForm === true ? String(new URLSearchParams(JSON.parse(JSON.stringify(token)) as Record<string, string>)) : JSON.stringify(token),
    )
  }
  return host
}
