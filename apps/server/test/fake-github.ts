import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { listen } from './listen.ts'

/** Somebody with an account on GitHub. */
export interface GithubPerson {
  readonly id: number
  readonly login: string
  readonly avatar_url?: string
  readonly emails: readonly { readonly email: string; readonly primary: boolean; readonly verified: boolean }[]
  /** Organization → state of the membership. */
  readonly organizations?: Readonly<Record<string, 'active' | 'pending'>>
  /** As `organization/team`. */
  readonly teams?: readonly string[]
}

/** Stands in for a GitHub Enterprise server, which is outside of the test's network. */
export interface FakeGithub {
  readonly url: string
  /** What was sent to the token endpoint. */
  readonly exchanges: URLSearchParams[]
  /** A code that says who comes; redeemable once. With `challenge` only with its verifier. */
  codeOf(person: GithubPerson, challenge?: string): string
  stop(): Promise<void>
}

export async function startFakeGithub(): Promise<FakeGithub> {
  const listening = await listen()
  const codes = new Map<string, { person: GithubPerson; challenge: string | undefined }>()
  const tokens = new Map<string, GithubPerson>()
  const exchanges: URLSearchParams[] = []

  const exchange = async (request: IncomingMessage): Promise<unknown> => {
    const form = new URLSearchParams(await text(request))
    exchanges.push(form)
    const code = form.get('code') ?? ''
    const found = codes.get(code)
    codes.delete(code)
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url')
    if (found === undefined || form.get('client_secret') !== 'github-secret') return { error: 'bad_verification_code' }
    if (found.challenge !== undefined && found.challenge !== challenge) return { error: 'bad_verification_code' }
    tokens.set(`token-of-${code}`, found.person)
    return { access_token: `token-of-${code}`, token_type: 'bearer', scope: form.get('scope') ?? '' }
  }
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '', listening.url)
    if (pathname === '/login/oauth/access_token') return send(response, 200, await exchange(request))
    const person = tokens.get((request.headers.authorization ?? '').replace('Bearer ', ''))
    if (person === undefined) return send(response, 401, { message: 'Bad credentials' })
    const answer = answerFor(person, pathname.replace('/api/v3', ''))
    send(response, answer === undefined ? 404 : 200, answer ?? { message: 'Not Found' })
  }
  listening.answer((request, response) => {
    respond(request, response).catch((error: unknown) => send(response, 500, { message: String(error) }))
  })
  return {
    url: listening.url,
    exchanges,
    codeOf(person, challenge) {
      const code = `code-${codes.size}-${person.id}-${tokens.size}`
      codes.set(code, { person, challenge })
      return code
    },
    stop: async () => await listening.stop(),
  }
}

function answerFor(person: GithubPerson, path: string): unknown {
  const { id, login, avatar_url = '', emails, organizations = {}, teams = [] } = person
  if (path === '/user') return { id, login, avatar_url }
  if (path === '/user/emails') return emails
  if (path === '/user/memberships/orgs')
    return Object.entries(organizations).map(([name, state]) => ({ state, organization: { login: name } }))
  const [, organization, team, member] = /^\/orgs\/([^/]+)\/teams\/([^/]+)\/memberships\/([^/]+)$/.exec(path) ?? []
  if (member === login && teams.includes(`${organization}/${team}`)) return { state: 'active' }
  return undefined
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(body))
}
