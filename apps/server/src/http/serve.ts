import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import {
  Failure,
  pathParameters,
  type Access,
  type EndpointGroup,
  type EndpointSpec,
  type ParameterNames,
  type RequestPart,
  type ResponseOf,
} from '@berth/schema'
import { sendAnswer, type Answer } from './answer.ts'
import type { Actor, Origin } from './caller.ts'
import { connectionOf, type Connection, type Hold } from './connection.ts'
import { readCookies } from './cookies.ts'
import { identify, identifyOrRedirect, type CallerGate, type CallerIdentity } from './identify.ts'
import type { Holder, OpenConnections } from './open-connections.ts'
import { queryReader } from './query-reader.ts'
import { requestBodyReader } from './request-body.ts'
import { queryOf } from './request-target.ts'
import type { WebSocketUpgrades } from './websocket-upgrade.ts'

/** What a finder gets besides the text of its parameter. */
export interface FindContext {
  /** The endpoint, because one that shows a whole resource can load all of it at once. */
  readonly spec: EndpointSpec
  /** Undefined for endpoints that anyone may call. */
  readonly actor: Actor | undefined
  /** Rows found for the parameters to the left. */
  readonly found: Readonly<Record<string, unknown>>
  /** The query parameters that the endpoint's contract names. */
  readonly query: URLSearchParams
}

/**
 * What this folder needs from the rest of the server: sessions, finders, permissions and limits.
 *
 * `Found` maps each path parameter to the rows that its finder adds to the handler's request.
 * Parameters without a finder stay text.
 */
export interface Gate<Found, Agent> extends CallerGate<Agent> {
  /**
   * Checks the spelling of a parameter and returns the text to look up. All checks run before the
   * first finder.
   */
  readonly spell: Readonly<Record<string, (text: string) => string>>
  readonly find: { readonly [Parameter in keyof Found]: (text: string, context: FindContext) => Promise<Found[Parameter]> }
  /** Throws for what nobody may do, whatever their permissions. Called before access is checked. */
  refuse(attempt: { readonly spec: EndpointSpec; readonly found: FoundRows<Found>; readonly actor: Actor | undefined }): void
  /** Returns the holder of an agent's connections; undefined when no change ends them. */
  holderOf(agent: Agent): Holder | undefined
  /** Whether the actor has a permission on the resource that the path names. */
  admits(access: Exclude<Access, string>, found: FoundRows<Found>, actor: Actor): boolean
  /** Called when a request fails after its path has been resolved. */
  refused?(attempt: Refused): Promise<void>
}

/** A request of a signed-in user that failed. */
export interface Refused {
  readonly spec: EndpointSpec
  readonly found: Readonly<Record<string, unknown>>
  readonly actor: Actor
  readonly status: number
}

/** The intersection of a union's members. */
export type Intersection<Union> = (Union extends unknown ? (value: Union) => void : never) extends (value: infer All) => void ? All : never

/** The rows that a path can name; a path has some of them. */
export type FoundRows<Found> = Partial<Intersection<Found[keyof Found]>>

type FoundOf<Spec extends EndpointSpec, Found> = [Extract<ParameterNames<Spec['path']>, keyof Found>] extends [never]
  ? unknown
  : Intersection<
      { [Name in Extract<ParameterNames<Spec['path']>, keyof Found>]: Found[Name] }[Extract<ParameterNames<Spec['path']>, keyof Found>]
    >
type Identity<Spec extends EndpointSpec, Agent> = Spec extends { access: 'anyone' }
  ? unknown
  : Spec extends { access: 'agent' }
    ? { agent: Agent }
    : { actor: Actor }
/** Raw bytes, all at once or as they arrive, or a JSON document. */
type BodyOf<Spec extends EndpointSpec> = Spec extends { bodyDelivery: 'stream' }
  ? { body: Readable; contentType: string }
  : Spec extends { bodyType: string }
    ? { body: Buffer; contentType: string }
    : RequestPart<Spec, 'body'>
type HandlerRequest<Spec extends EndpointSpec, Found, Agent> = FoundOf<Spec, Found> &
  RequestPart<Spec, 'params'> &
  RequestPart<Spec, 'query'> &
  BodyOf<Spec> &
  Identity<Spec, Agent> & {
    readonly origin: Origin
    readonly connection: Connection
    readonly readCookie: (name: string) => string | undefined
  }

/** One handler for each endpoint of a group. */
export type Handlers<Group extends EndpointGroup, Found, Agent> = {
  readonly [Name in keyof Group]: (request: HandlerRequest<Group[Name], Found, Agent>) => Promise<ResponseOf<Group[Name]> | Answer | void>
}

/** An endpoint, compiled once at startup. */
export interface Route {
  readonly spec: EndpointSpec
  handle(request: RoutedRequest, response: ServerResponse, origin: Origin): Promise<void>
  /**
   * Identifies and counts the caller and reads the path parameters. Used when an unknown path
   * continues this one, so that such a path answers a stranger as a known one does.
   */
  approach(request: RoutedRequest, response: ServerResponse, origin: Origin): Promise<void>
}

interface Kit<Found, Agent> {
  readonly gate: Gate<Found, Agent>
  readonly upgrades: WebSocketUpgrades
  /** Held by signed-in users, by the ID of their key. */
  readonly openSessions: OpenConnections
  /** Held by agents. */
  readonly openAgents: OpenConnections
}

/** A request with its decoded path parameters. */
export type RoutedRequest = IncomingMessage & { params: Record<string, string>; readonly originalUrl?: string }

/**
 * Compiles a group of endpoints into routes.
 *
 * Every request takes the same steps in the same order: identify the caller, count the request,
 * read the path, find what it names, check access, read query and body, handle, answer. A caller
 * without access therefore learns nothing about the body, except where the contract says
 * `bodyBeforeAccess`.
 */
export function serve<Group extends EndpointGroup, Found, Agent>(
  group: Group,
  handlers: Handlers<Group, Found, Agent>,
  kit: Kit<Found, Agent>,
): Route[] {
  return Object.entries(group).map(([name, spec]) => {
    // `Handlers` has checked the handler's type; a list of all handlers has none.
    const handler = handlers[name] as (request: unknown) => Promise<unknown>
    return compileRoute(spec, handler, kit)
  })
}

function compileRoute<Found, Agent>(spec: EndpointSpec, handler: (request: unknown) => Promise<unknown>, kit: Kit<Found, Agent>): Route {
  const { gate, upgrades } = kit
  const parameters = pathParameters(spec.path)
  const finders = new Map<string, Finder>(Object.entries(gate.find))
  const readQuery = spec.query === undefined ? undefined : queryReader(spec.query)
  const keepKnown = knownQuery(spec)
  const readRequestBody = requestBodyReader(spec)
  return {
    spec,
    async approach(request, response, origin) {
      await identify({ spec, gate, request, response, origin, query: queryOf(request.url) })
      spellParameters(parameters, request.params, gate.spell)
    },
    async handle(request, response, origin) {
      const holdFor = holding(kit)
      const query = queryOf(request.url)
      const identity = await identifyOrRedirect({ spec, gate, request, response, origin, query })
      if (identity === undefined) return
      const texts = spellParameters(parameters, request.params, gate.spell)
      const found = await findAll<Found>({ spec, parameters, texts, finders, actor: identity.actor, query: keepKnown(query) })
      gate.refuse({ spec, found, actor: identity.actor })
      const answer = async (): Promise<unknown> => {
        const early = spec.bodyBeforeAccess === true ? await readRequestBody?.(request) : undefined
        if (typeof spec.access === 'object' && spec.access.filtered !== true) admit(spec.access, { found, actor: identity.actor, gate })
        return await handler({
          ...identity,
          ...found,
          ...(parameters.length > 0 && { params: texts }),
          ...(readQuery && { query: readQuery(query) }),
          ...(early ?? (await readRequestBody?.(request))),
          origin,
          connection: connectionOf(request, response, { upgrades, hold: holdFor(identity) }),
          readCookie: (cookie: string) => readCookies(request)[cookie],
        })
      }
      sendAnswer(spec, await reportFailure({ spec, gate, found, actor: identity.actor }, answer), response)
    },
  }
}

const NOTHING = (): void => {}

/** Returns how to hold a caller's connections. Call it before the caller is identified. */
function holding<Found, Agent>({ gate, openSessions, openAgents }: Kit<Found, Agent>): (identity: CallerIdentity<Agent>) => Hold {
  const since = { sessions: openSessions.moment, agents: openAgents.moment }
  return ({ actor, agent }) => {
    if (actor !== undefined)
      return (end) => openSessions.hold({ id: actor.key_id, groups: [actor.user_id] }, { since: since.sessions, end })
    const holder = agent === undefined ? undefined : gate.holderOf(agent)
    return (end) => (holder === undefined ? NOTHING : openAgents.hold(holder, { since: since.agents, end }))
  }
}

async function reportFailure<Found, Agent>(
  {
    spec,
    gate,
    found,
    actor,
  }: Omit<Refused, 'status' | 'actor'> & { readonly gate: Gate<Found, Agent>; readonly actor: Actor | undefined },
  answer: () => Promise<unknown>,
): Promise<unknown> {
  try {
    return await answer()
  } catch (error) {
    if (Failure.is(error) && actor !== undefined) await gate.refused?.({ spec, found, actor, status: error.status })
    throw error
  }
}

function spellParameters(
  parameters: readonly string[],
  given: Readonly<Record<string, string>>,
  spell: Readonly<Record<string, (text: string) => string>>,
): Record<string, string> {
  return Object.fromEntries(
    parameters.map((name) => {
      const text = given[name] ?? ''
      // PostgreSQL can't store NUL, so nothing has such a name.
      if (text.includes('\0')) throw new Failure('not_found')
      return [name, spell[name]?.(text) ?? text]
    }),
  )
}

function knownQuery({ query: schema }: EndpointSpec): (query: URLSearchParams) => URLSearchParams {
  const known = new Set(Object.keys((schema?.['properties'] ?? {}) as Record<string, unknown>))
  return (query) => new URLSearchParams([...query].filter(([name]) => known.has(name)))
}

type Finder = (text: string, context: FindContext) => Promise<object>

async function findAll<Found>(step: {
  readonly spec: EndpointSpec
  readonly parameters: readonly string[]
  readonly texts: Readonly<Record<string, string>>
  readonly finders: ReadonlyMap<string, Finder>
  readonly actor: Actor | undefined
  readonly query: URLSearchParams
}): Promise<FoundRows<Found>> {
  const found: FoundRows<Found> = {}
  for (const name of step.parameters) {
    const find = step.finders.get(name)
    if (find === undefined) continue
    Object.assign(found, await find(step.texts[name] ?? '', { spec: step.spec, actor: step.actor, found, query: step.query }))
  }
  return found
}

function admit<Found, Agent>(
  access: Exclude<Access, string>,
  step: { readonly found: FoundRows<Found>; readonly actor: Actor | undefined; readonly gate: Gate<Found, Agent> },
): void {
  if (step.actor !== undefined && step.gate.admits(access, step.found, step.actor)) return
  throw new Failure(access.denied ?? 'not_found')
}
