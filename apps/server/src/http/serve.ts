import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Static, TSchema } from '@sinclair/typebox'
import { Failure, maxFileBytes, pathParameters, type Access, type EndpointGroup, type EndpointSpec, type ResponseOf } from '@berth/schema'
import type { WebSocket } from 'ws'
import { Answer, payloadOf } from './answer.ts'
import { bodyReader } from './body-decoder.ts'
import type { Actor, Origin } from './caller.ts'
import { readCookies } from './cookies.ts'
import { EventStream } from './event-stream.ts'
import type { OpenSessions } from './open-sessions.ts'
import { queryReader } from './query-reader.ts'
import { MAX_JSON_BYTES, readBody } from './request-body.ts'
import { pathOf, queryOf } from './request-target.ts'
import { isOwnRequest, sentToken } from './session-token.ts'
import { signInPage } from './sign-in-redirect.ts'
import { dismiss, type AcceptOptions, type WebSocketUpgrades } from './websocket-upgrade.ts'

/** What finders are told besides the text of their parameter. */
export interface FindContext {
  /** For which endpoint: one that shows all there is of a thing may find it together with that. */
  readonly spec: EndpointSpec
  /** Undefined on endpoints that anyone may call. */
  readonly actor: Actor | undefined
  /** Rows found for the parameters to the left. */
  readonly found: Readonly<Record<string, unknown>>
  /** What the contract of the endpoint knows of the query. */
  readonly query: URLSearchParams
}

/**
 * What the HTTP kit needs from the rest of the server.
 *
 * `Found` maps a path parameter to the rows that its finder adds to the handler's request; parameters without a finder stay text.
 */
export interface Gate<Found, Agent> {
  /** Throws `signed_out` and its kin. */
  identify(token: string | undefined, origin: Origin): Promise<Actor>
  /** Throws `agent_unauthorized`. */
  identifyAgent(token: string | undefined): Promise<Agent>
  /** Checks of a parameter's spelling; all of them run before anything is looked up. Each returns the text that is looked up. */
  readonly spell: Readonly<Record<string, (text: string) => string>>
  readonly find: { readonly [Parameter in keyof Found]: (text: string, context: FindContext) => Promise<Found[Parameter]> }
  /** Whether the actor has the permission on what the path names. */
  admits(access: Exclude<Access, string>, found: Readonly<Record<string, unknown>>, actor: Actor): boolean
  /** Counts the request, sets the headers that tell what is left, and throws `rate_limited`. */
  limit(request: RateLimited): void
  /** Hears of requests that were refused after what their path names had been found. */
  refused?(attempt: Refused): Promise<void>
}

/** Somebody asked for something that was not done. */
export interface Refused {
  readonly spec: EndpointSpec
  readonly found: Readonly<Record<string, unknown>>
  readonly actor: Actor
  readonly status: number
}

export interface RateLimited {
  readonly spec: EndpointSpec | undefined
  readonly path: string
  readonly actor: Actor | undefined
  readonly origin: Origin
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Ways for a handler to answer with more than one document. What a user has opened ends with their session. */
export interface Connection {
  /** Begins a server-sent event stream. */
  openEventStream(): EventStream
  /** Aborts when the client leaves before it has been answered. */
  closed(): AbortSignal
  /** Upgrades to a WebSocket, which `begin` gets in the same tick; throws `upgrade_required`. */
  acceptWebSocket<Begun>(begin: (socket: WebSocket) => Begun, options?: AcceptOptions): Promise<Begun>
}

type ParamNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParamNames<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never
type Intersection<Union> = (Union extends unknown ? (value: Union) => void : never) extends (value: infer All) => void ? All : never
type FoundOf<Spec extends EndpointSpec, Found> = [Extract<ParamNames<Spec['path']>, keyof Found>] extends [never]
  ? unknown
  : Intersection<{ [Name in Extract<ParamNames<Spec['path']>, keyof Found>]: Found[Name] }[Extract<ParamNames<Spec['path']>, keyof Found>]>
type Part<Spec, Key extends 'params' | 'query' | 'body'> =
  Spec extends Record<Key, infer Schema extends TSchema> ? Record<Key, Static<Schema>> : unknown
type Identity<Spec extends EndpointSpec, Agent> = Spec extends { access: 'anyone' }
  ? unknown
  : Spec extends { access: 'agent' }
    ? { agent: Agent }
    : { actor: Actor }
type HandlerRequest<Spec extends EndpointSpec, Found, Agent> = FoundOf<Spec, Found> &
  Part<Spec, 'params'> &
  Part<Spec, 'query'> &
  (Spec extends { bodyType: string } ? { body: Buffer; contentType: string } : Part<Spec, 'body'>) &
  Identity<Spec, Agent> & {
    readonly origin: Origin
    readonly connection: Connection
    readonly readCookie: (name: string) => string | undefined
  }

/** One handler per endpoint of a group; the compiler asks for each. */
export type Handlers<Group extends EndpointGroup, Found, Agent> = {
  readonly [Name in keyof Group]: (request: HandlerRequest<Group[Name], Found, Agent>) => Promise<ResponseOf<Group[Name]> | Answer | void>
}

/** An endpoint with everything compiled that can be compiled before the first request. */
export interface Route {
  readonly spec: EndpointSpec
  handle(request: RoutedRequest, response: ServerResponse, origin: Origin): Promise<void>
  /** Only the first steps, for a path that goes on where this one ends and leads nowhere: the caller is identified and counted, parameters are read. */
  approach(request: RoutedRequest, response: ServerResponse, origin: Origin): Promise<void>
}

interface Kit<Found, Agent> {
  readonly gate: Gate<Found, Agent>
  readonly upgrades: WebSocketUpgrades
  readonly openSessions: OpenSessions
}

/** A request with the decoded parameters of its path. */
export type RoutedRequest = IncomingMessage & { params: Record<string, string>; readonly originalUrl?: string }

/**
 * Compiles a group of endpoints into routes.
 *
 * Each request goes through the same steps in the same order: identify the caller, count the request, read the path, find what it names, check access, read query
 * and body, handle, write. A caller without access learns nothing about the body. Where the contract says `bodyBeforeAccess`, the body is read
 * before access is checked.
 */
export function serve<Group extends EndpointGroup, Found, Agent>(
  group: Group,
  handlers: Handlers<Group, Found, Agent>,
  kit: Kit<Found, Agent>,
): Route[] {
  return Object.entries(group).map(([name, spec]) => {
    // The handler's own type is known to its author; here it is one of many.
    const handler = handlers[name] as (request: unknown) => Promise<unknown>
    return compileRoute(spec, handler, kit)
  })
}

function compileRoute<Found, Agent>(
  spec: EndpointSpec,
  handler: (request: unknown) => Promise<unknown>,
  { gate, upgrades, openSessions }: Kit<Found, Agent>,
): Route {
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
      const since = openSessions.moment
      const query = queryOf(request.url)
      const identity = await identifyOrLead({ spec, gate, request, response, origin, query })
      if (identity === undefined) return
      const texts = spellParameters(parameters, request.params, gate.spell)
      const found = await findAll({ spec, parameters, texts, finders, actor: identity.actor, query: keepKnown(query) })
      const hold: Hold = (end) => (identity.actor === undefined ? NOTHING : openSessions.hold(identity.actor, { since, end }))
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
          connection: connectionOf(request, response, { upgrades, hold }),
          readCookie: (cookie: string) => readCookies(request)[cookie],
        })
      }
      write(spec, await hearRefusals({ spec, gate, found, actor: identity.actor }, answer), response)
    },
  }
}

async function hearRefusals<Found, Agent>(
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

interface IdentifyStep<Found, Agent> {
  readonly spec: EndpointSpec
  readonly gate: Gate<Found, Agent>
  readonly request: IncomingMessage & { readonly originalUrl?: string }
  readonly response: ServerResponse
  readonly origin: Origin
  readonly query: URLSearchParams
}

type Identified<Agent> = { readonly actor?: Actor; readonly agent?: Agent }

/** Undefined: whoever it is has been led to the page where to sign in. */
async function identifyOrLead<Found, Agent>(step: IdentifyStep<Found, Agent>): Promise<Identified<Agent> | undefined> {
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

async function identify<Found, Agent>(step: IdentifyStep<Found, Agent>): Promise<Identified<Agent>> {
  const { spec, gate, request, response, origin, query } = step
  const path = pathOf(request.url)
  const limit = (actor: Actor | undefined): void => gate.limit({ spec, path, actor, origin, request, response })
  if (spec.access === 'anyone') {
    limit(undefined)
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
    // Whoever could not be identified is counted by address.
    if (Failure.is(error) && error.status === 401) limit(undefined)
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
      // The database knows no NUL, so nothing of that name exists.
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

async function findAll(step: {
  readonly spec: EndpointSpec
  readonly parameters: readonly string[]
  readonly texts: Readonly<Record<string, string>>
  readonly finders: ReadonlyMap<string, Finder>
  readonly actor: Actor | undefined
  readonly query: URLSearchParams
}): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {}
  for (const name of step.parameters) {
    const find = step.finders.get(name)
    if (find === undefined) continue
    Object.assign(found, await find(step.texts[name] ?? '', { spec: step.spec, actor: step.actor, found, query: step.query }))
  }
  return found
}

function admit<Found, Agent>(
  access: Exclude<Access, string>,
  step: { readonly found: Readonly<Record<string, unknown>>; readonly actor: Actor | undefined; readonly gate: Gate<Found, Agent> },
): void {
  if (step.actor !== undefined && step.gate.admits(access, step.found, step.actor)) return
  throw new Failure(access.denied ?? 'not_found')
}

function requestBodyReader(spec: EndpointSpec): ((request: IncomingMessage) => Promise<Record<string, unknown>>) | undefined {
  if (spec.bodyType !== undefined) {
    const { bodyType } = spec
    return async (request) => {
      const contentType = request.headers['content-type'] ?? ''
      if (contentType !== bodyType)
        throw new Failure('invalid_content_type', {
          message: `Unsupported content type header "${contentType}".`,
          detail: `Expected ${bodyType}.`,
        })
      return { body: await readBody(request, maxFileBytes), contentType }
    }
  }
  if (spec.body === undefined) return undefined
  const read = bodyReader(spec.body)
  return async (request) => ({ body: read((await readBody(request, MAX_JSON_BYTES)).toString('utf8')) })
}

/** Ends something when the session of the request does, unless what is returned was called before. */
type Hold = (end: () => void) => () => void

const NOTHING = (): void => {}

function connectionOf(
  request: IncomingMessage,
  response: ServerResponse,
  { upgrades, hold }: { readonly upgrades: WebSocketUpgrades; readonly hold: Hold },
): Connection {
  return {
    openEventStream: () => {
      const stream = new EventStream(response)
      stream.onClose(hold(() => stream.end()))
      return stream
    },
    closed: () => {
      const controller = new AbortController()
      response.once('close', () => controller.abort())
      return controller.signal
    },
    acceptWebSocket: async (begin, options) =>
      await upgrades.accept(
        request,
        (socket) => {
          socket.on(
            'close',
            hold(() => dismiss(socket)),
          )
          return begin(socket)
        },
        options,
      ),
  }
}

function write(spec: EndpointSpec, result: unknown, response: ServerResponse): void {
  // A stream or a WebSocket has been opened: the handler owns the connection.
  if (response.headersSent || spec.delivery === 'websocket' || (result === undefined && spec.response !== undefined)) return
  const answer = result instanceof Answer ? result : new Answer(result)
  if (answer.cookies.length > 0) response.appendHeader('Set-Cookie', [...answer.cookies])
  response.statusCode = answer.status ?? spec.status
  if (answer.location !== undefined) {
    response.setHeader('Location', answer.location)
    response.end()
    return
  }
  if (response.statusCode === 204 || response.statusCode === 304) {
    // There is nothing to be of this type; the wire says it all the same (Coder v2 API, v0.13.4, "JSON writing").
    response.setHeader('Content-Type', 'application/json; charset=utf-8')
    response.end()
    return
  }
  const { contentType, payload } = payloadOf(answer.body)
  response.setHeader('Content-Type', answer.contentType ?? contentType)
  response.end(payload)
}
