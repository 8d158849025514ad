/**
 * One endpoint value is the single statement of an API operation: the server mounts it, the client calls it,
 * the API reference prints it and the access tests walk it.
 * @module
 */
import type { Static, TSchema } from '@sinclair/typebox'
import type { FailureCode } from './failures.ts'

/** Kinds of objects that permissions speak of (Coder v2 API, v0.13.4: resource types). */
export type ResourceType =
  | 'api_key'
  | 'application_connect'
  | 'assign_org_role'
  | 'assign_role'
  | 'audit_log'
  | 'deployment_config'
  | 'file'
  | 'group'
  | 'organization'
  | 'organization_member'
  | 'provisioner_daemon'
  | 'template'
  | 'user'
  | 'user_data'
  | 'workspace'
  | 'workspace_execution'

/** What may be done to a resource (Coder v2 API, v0.13.4). */
export type Action = 'create' | 'read' | 'update' | 'delete'

/**
 * Who may call an endpoint.
 *
 * - `anyone`: no credentials are looked at.
 * - `signed_in`: any user with a valid session or token; what the answer holds depends on who asks.
 * - `agent`: a workspace agent's token.
 * - a permission: `action` on the `resource` that the path names. Without it the answer is `denied`
 *   (`not_found` unless said otherwise, so that a stranger cannot tell a missing thing from a forbidden one).
 *   With `filtered` nobody is refused; rows the caller may not see are left out.
 */
export type Access =
  | 'anyone'
  | 'signed_in'
  | 'agent'
  | {
      readonly resource: ResourceType
      readonly action: Action
      readonly denied?: 'not_found' | 'forbidden'
      readonly filtered?: true
    }

/** How the answer is delivered when it is not one JSON document. */
export type Delivery = 'json' | 'bytes' | 'server_sent_events' | 'websocket'

/** Everything there is to say about one operation. Paths are below `/api/v2` and written with `:parameter`. */
export interface EndpointSpec {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** One sentence in the imperative; becomes the operation's summary. */
  readonly summary: string
  /** What the summary leaves open. */
  readonly description?: string
  readonly access: Access
  readonly params?: TSchema
  readonly query?: TSchema
  readonly body?: TSchema
  /** The body is raw bytes of this content type instead of JSON. */
  readonly bodyType?: string
  readonly status: 101 | 200 | 201 | 204 | 307
  /** A second success status with the same answer, for example 200 where 201 is the rule. */
  readonly alternativeStatus?: 200 | 304
  readonly response?: TSchema
  /** Default `json`. With `websocket` the response schema describes one message. */
  readonly delivery?: Delivery
  readonly failures: readonly FailureCode[]
  /** The path also answers with a trailing slash (Coder v2 API, v0.13.4: mounted collections do, leaves do not). */
  readonly trailingSlash?: true
  /** The body is read and validated before access is checked, so a bad body is 400 even for strangers. */
  readonly bodyBeforeAccess?: true
  /** Browsers come here: who is not signed in is led to the page for it, and from there back, instead of being refused. */
  readonly signInRedirect?: true
  /** Requests a minute for one caller on one path, on top of the deployment's limit. */
  readonly requestsPerMinute?: number
}

/** The endpoints of one noun. */
export type EndpointGroup = Readonly<Record<string, EndpointSpec>>
/** All nouns. */
export type Api = Readonly<Record<string, EndpointGroup>>

/** The names of a path's parameters: `'user' | 'key'` for `/users/:user/keys/:key`. */
export type ParameterNames<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | ParameterNames<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never

type PathMismatch<Spec extends EndpointSpec> = [ParameterNames<Spec['path']>] extends [never]
  ? unknown
  : Spec extends { params: infer Params extends TSchema }
    ? [ParameterNames<Spec['path']>] extends [keyof Static<Params>]
      ? unknown
      : { params: 'lacks a parameter that path names' }
    : { params: TSchema }

/** Defines one endpoint. Every `:name` in `path` must be a key of `params`. */
export function endpoint<const Spec extends EndpointSpec>(spec: Spec & PathMismatch<Spec>): Spec {
  return spec
}

/** `{ body: … }`, or the same with another part of a request, where the endpoint has that part; otherwise `unknown`. */
export type RequestPart<Spec, Key extends 'params' | 'query' | 'body'> =
  Spec extends Record<Key, infer Schema extends TSchema> ? Record<Key, Static<Schema>> : unknown
/** A query without required keys may be left out of a call altogether. */
type QueryPart<Spec> = Spec extends { query: infer Schema extends TSchema }
  ? {} extends Static<Schema>
    ? { query?: Static<Schema> }
    : { query: Static<Schema> }
  : unknown
type Flatten<T> = { [Key in keyof T]: T[Key] } & {}

/** What a client hands in: path parameters, query and body, each only where the endpoint has it. */
export type RequestOf<Spec extends EndpointSpec> = Flatten<
  RequestPart<Spec, 'params'> & QueryPart<Spec> & (Spec extends { bodyType: string } ? { body: Uint8Array } : RequestPart<Spec, 'body'>)
>
/** What a client gets back. */
export type ResponseOf<Spec extends EndpointSpec> = Spec extends { delivery: 'bytes' }
  ? Uint8Array
  : Spec extends { response: infer Schema extends TSchema }
    ? Static<Schema>
    : void

/** Names of the path parameters in the order in which the path has them. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? '')
}
