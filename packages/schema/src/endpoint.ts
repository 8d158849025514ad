/**
 * An endpoint value states everything about one API operation, once. The server serves it, the SDK
 * calls it, the API reference prints it, and the access tests walk all of them.
 * @module
 */
import type { Static, TSchema } from '@sinclair/typebox'
import type { FailureCode } from './failures.ts'

/** Resource types in permissions (Coder v2 API, v0.13.4). */
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

/** Actions in permissions (Coder v2 API, v0.13.4). */
export type Action = 'create' | 'read' | 'update' | 'delete'

/**
 * Who may call an endpoint.
 *
 * - `anyone`: the server ignores credentials.
 * - `signed_in`: any user with a valid session or token. The answer may depend on the caller.
 * - `agent`: a workspace agent with its token.
 * - a permission: `action` on the `resource` that the path names. Without it the answer is
 *   `denied`, by default `not_found`, so that strangers can't tell a missing resource from a
 *   forbidden one. With `filtered` nobody is refused, but the answer omits what the caller may not
 *   see.
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

/** The form of the answer, if it isn't one JSON document. */
export type Delivery = 'json' | 'bytes' | 'server_sent_events' | 'websocket'

/** One operation of the API. */
export interface EndpointSpec {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path below `/api/v2`, with parameters written as `:parameter`. */
  readonly path: string
  /** One imperative sentence. The summary in the API reference. */
  readonly summary: string
  /** Details that the summary leaves out. */
  readonly description?: string
  readonly access: Access
  readonly params?: TSchema
  readonly query?: TSchema
  readonly body?: TSchema
  /** Content type of a body of raw bytes. Absent: JSON. */
  readonly bodyType?: string
  /** Largest body, in bytes. Default: `maxJsonBytes`. */
  readonly maxBodyBytes?: number
  /** Whether the server takes raw bytes as they arrive, however many. Default: all at once. */
  readonly bodyDelivery?: 'stream'
  readonly status: 101 | 200 | 201 | 204 | 307
  /** Another success status, for example 200 where 201 is the rule. */
  readonly alternativeStatus?: 200 | 304
  readonly response?: TSchema
  /** Content type of an answer of raw bytes. */
  readonly responseType?: string
  /** Default: `json`. */
  readonly delivery?: Delivery
  readonly failures: readonly FailureCode[]
  /**
   * Whether the endpoint refuses a page of another site although no session authenticates the
   * request: it would sign the page's visitor in as somebody else.
   */
  readonly ownPagesOnly?: true
  /**
   * Whether the path also works with a trailing slash (Coder v2 API, v0.13.4: collections do,
   * leaves don't).
   */
  readonly trailingSlash?: true
  /**
   * Whether to validate the body before checking access, so that a bad body is 400 even for
   * strangers.
   */
  readonly bodyBeforeAccess?: true
  /**
   * Whether to redirect a browser that isn't signed in to the sign-in page, and back afterwards.
   */
  readonly signInRedirect?: true
  /** Limit for one caller on this path, in addition to the deployment's limit. */
  readonly requestsPerMinute?: number
}

/** The endpoints of one noun, by operation. */
export type EndpointGroup = Readonly<Record<string, EndpointSpec>>
/** Endpoints by noun. */
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

/**
 * One part of a request as an object, for example `{ body: … }`. `unknown` if the endpoint doesn't
 * have the part.
 */
export type RequestPart<Spec, Key extends 'params' | 'query' | 'body'> =
  Spec extends Record<Key, infer Schema extends TSchema> ? Record<Key, Static<Schema>> : unknown
/** A query without required keys is optional. */
type QueryPart<Spec> = Spec extends { query: infer Schema extends TSchema }
  ? {} extends Static<Schema>
    ? { query?: Static<Schema> }
    : { query: Static<Schema> }
  : unknown
type Flatten<T> = { [Key in keyof T]: T[Key] } & {}

/**
 * What a client passes to an endpoint: those of path parameters, query and body that the endpoint
 * has.
 */
export type RequestOf<Spec extends EndpointSpec> = Flatten<
  RequestPart<Spec, 'params'> & QueryPart<Spec> & (Spec extends { bodyType: string } ? { body: Uint8Array } : RequestPart<Spec, 'body'>)
>
/** What a client gets back from an endpoint. */
export type ResponseOf<Spec extends EndpointSpec> = Spec extends { delivery: 'bytes' }
  ? Uint8Array
  : Spec extends { response: infer Schema extends TSchema }
    ? Static<Schema>
    : void

/** Returns the names of a path's parameters, in order. */
export function pathParameters(path: string): string[] {
  return [...path.matchAll(/:(\w+)/g)].map((match) => match[1] ?? '')
}
