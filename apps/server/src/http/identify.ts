import type { IncomingMessage, ServerResponse } from 'node:http'
import { Failure, type EndpointSpec } from '@berth/schema'
import type { Actor, Origin } from './caller.ts'
import { pathOf } from './request-target.ts'
import { isFromOtherSite, isOwnRequest, sentToken } from './session-token.ts'
import { signInPage } from './sign-in-redirect.ts'

/** The part of the gate that says who calls, and how often they may. */
export interface CallerGate<Agent> {
  /** Throws `signed_out` or another failure that says why the caller isn't signed in. */
  identify(token: string | undefined, origin: Origin): Promise<Actor>
  /** Throws `agent_unauthorized`, `build_outdated`. */
  identifyAgent(token: string | undefined): Promise<Agent>
  /** Counts the request, sets the rate-limit headers, and throws `rate_limited`. */
  limit(request: RateLimited): void
}

/** A request as the rate limiter sees it. */
export interface RateLimited {
  /** Undefined when no endpoint matches. */
  readonly spec: EndpointSpec | undefined
  readonly path: string
  /** Undefined when the caller isn't signed in. */
  readonly actor: Actor | undefined
  readonly origin: Origin
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

interface Step<Agent> {
  readonly spec: EndpointSpec
  readonly gate: CallerGate<Agent>
  readonly request: IncomingMessage & { readonly originalUrl?: string }
  readonly response: ServerResponse
  readonly origin: Origin
  readonly query: URLSearchParams
}

/** The signed-in user or the agent behind a request; neither on endpoints that anyone may call. */
export type CallerIdentity<Agent> = { readonly actor?: Actor; readonly agent?: Agent }

/**
 * Identifies and counts the caller. A browser that isn't signed in is redirected to the sign-in
 * page where the contract says so; the result is then undefined.
 */
export async function identifyOrRedirect<Agent>(step: Step<Agent>): Promise<CallerIdentity<Agent> | undefined> {
  try {
    return await identify(step)
  } catch (error) {
    if (step.spec.signInRedirect !== true || !Failure.is(error) || error.status !== 401) throw error
    step.response.statusCode = 307
    step.response.setHeader('Location', signInPage(error, step.request.originalUrl ?? '/'))
    step.response.end()
    return undefined
  }
}

/**
 * Identifies and counts the caller. Throws `origin_forbidden` when another site's page sent the
 * request.
 */
export async function identify<Agent>(step: Step<Agent>): Promise<CallerIdentity<Agent>> {
  const { spec, gate, request, response, origin, query } = step
  const path = pathOf(request.url)
  const limit = (actor: Actor | undefined): void => gate.limit({ spec, path, actor, origin, request, response })
  if (spec.access === 'anyone') {
    limit(spec.ownPagesOnly === true ? undefined : await callerIfKnown(step))
    if (spec.ownPagesOnly === true && isFromOtherSite(request, query)) throw new Failure('origin_forbidden')
    return {}
  }
  const sent = sentToken(request, query)
  if (spec.access === 'agent') {
    limit(undefined)
    return { agent: await gate.identifyAgent(sent?.token) }
  }
  try {
    const actor = await gate.identify(sent?.token, origin)
    limit(actor)
    if (sent?.isFromCookie === true && request.method !== 'GET' && !isOwnRequest(request, query)) throw new Failure('origin_forbidden')
    return { actor }
  } catch (error) {
    // Callers who can't be identified are counted by address.
    if (Failure.is(error) && error.status === 401) limit(undefined)
    throw error
  }
}

/**
 * Returns the signed-in user behind a request that needs none, so that it is counted by user:
 * people behind one address don't use up each other's requests. Signing in is counted by address,
 * which is where guesses of passwords come from.
 */
async function callerIfKnown<Agent>({ gate, request, origin, query }: Step<Agent>): Promise<Actor | undefined> {
  const token = sentToken(request, query)?.token
  if (token === undefined) return undefined
  try {
    return await gate.identify(token, origin)
  } catch {
    // The endpoint answers without a session, and without the database.
    return undefined
  }
}
