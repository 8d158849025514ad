import { api, type BerthApi, type EndpointSpec, type RequestOf, type ResponseOf } from '@berth/schema'

type NamesOf<Noun extends keyof BerthApi> = `${Noun}.${keyof BerthApi[Noun] & string}`

/** The name of an operation, for example `workspaces.get`. */
export type OperationName = { [Noun in keyof BerthApi]: NamesOf<Noun> }[keyof BerthApi]

/** The endpoint of a named operation. */
export type SpecOf<Name extends OperationName> = Name extends `${infer Noun extends keyof BerthApi}.${infer Operation}`
  ? Operation extends keyof BerthApi[Noun]
    ? Extract<BerthApi[Noun][Operation], EndpointSpec>
    : never
  : never

/** A request that the stub received: what the client passed, and how it was sent. */
export type StubRequest<Name extends OperationName = OperationName> = RequestOf<SpecOf<Name>> & {
  readonly operation: Name
  readonly method: string
  /** Path and query as sent. */
  readonly url: string
  /** Names are lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Answers an operation. Returns its response or throws a `Failure`. */
export type StubHandler<Name extends OperationName> = (
  request: StubRequest<Name>,
) => ResponseOf<SpecOf<Name>> | Promise<ResponseOf<SpecOf<Name>>>

/** A route of the stub. */
export interface StubRoute {
  readonly name: OperationName
  readonly spec: EndpointSpec
  readonly pattern: RegExp
  readonly parameters: number
}

/**
 * All operations, those with fewer parameters first, so that `/users/first` isn't read as a user.
 */
export const stubRoutes: readonly StubRoute[] = Object.entries(api)
  .flatMap(([noun, group]) => Object.entries<EndpointSpec>(group).map(([operation, spec]) => routeOf(`${noun}.${operation}`, spec)))
  .toSorted((one, other) => one.parameters - other.parameters)

function routeOf(name: string, spec: EndpointSpec): StubRoute {
  const pattern = spec.path.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replace(/:(\w+)/g, '(?<$1>[^/]+)')
  const slash = spec.trailingSlash ? '/?' : ''
  return {
    // The names come from the same keys as the type.
    name: name as OperationName,
    spec,
    pattern: new RegExp(`^/api/v2${pattern.replace(/\/$/, '')}${slash}$`),
    parameters: spec.path.split(':').length - 1,
  }
}

/**
 * Finds the operation of a request, and decodes its path parameters. Undefined for an unknown path
 * or method.
 */
export function findRoute(method: string, path: string): { route: StubRoute; params: Record<string, string> } | undefined {
  for (const route of stubRoutes) {
    const match = route.spec.method === method ? route.pattern.exec(path) : null
    if (match === null) continue
    const params = Object.entries(match.groups ?? {}).map(([name, text]) => [name, decodeURIComponent(text)])
    return { route, params: Object.fromEntries(params) }
  }
  return undefined
}
