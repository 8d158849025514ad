import { api, type BerthApi, type EndpointSpec, type RequestOf, type ResponseOf } from '@berth/schema'

type NamesOf<Noun extends keyof BerthApi> = `${Noun}.${keyof BerthApi[Noun] & string}`

/** The name of an operation, for example `workspaces.get`. */
export type OperationName = { [Noun in keyof BerthApi]: NamesOf<Noun> }[keyof BerthApi]

/** The endpoint that an operation's name stands for. */
export type SpecOf<Name extends OperationName> = Name extends `${infer Noun extends keyof BerthApi}.${infer Operation}`
  ? Operation extends keyof BerthApi[Noun]
    ? Extract<BerthApi[Noun][Operation], EndpointSpec>
    : never
  : never

/** What the stub got: what the client handed in, and how it travelled. */
export type StubRequest<Name extends OperationName = OperationName> = RequestOf<SpecOf<Name>> & {
  readonly operation: Name
  readonly method: string
  /** Path and query as sent. */
  readonly url: string
  /** Names are in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

/** Answers an operation: with its response, or by throwing a `Failure`. */
export type StubHandler<Name extends OperationName> = (
  request: StubRequest<Name>,
) => ResponseOf<SpecOf<Name>> | Promise<ResponseOf<SpecOf<Name>>>

/** One row of the stub's route table. */
export interface StubRoute {
  readonly name: OperationName
  readonly spec: EndpointSpec
  readonly pattern: RegExp
  readonly parameters: number
}

/** All operations, the ones with fewer parameters first, so that `/users/first` is no user. */
export const stubRoutes: readonly StubRoute[] = Object.entries(api)
  .flatMap(([noun, group]) => Object.entries<EndpointSpec>(group).map(([operation, spec]) => routeOf(`${noun}.${operation}`, spec)))
  .toSorted((one, other) => one.parameters - other.parameters)

function routeOf(name: string, spec: EndpointSpec): StubRoute {
  const pattern = spec.path.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`).replace(/:(\w+)/g, '(?<$1>[^/]+)')
  const slash = spec.trailingSlash ? '/?' : ''
  return {
    // The names come from the very keys that the type is made of.
    name: name as OperationName,
    spec,
    pattern: new RegExp(`^/api/v2${pattern.replace(/\/$/, '')}${slash}$`),
    parameters: spec.path.split(':').length - 1,
  }
}

/** The operation that a request means, with its path parameters decoded; undefined for an unknown path or method. */
export function findRoute(method: string, path: string): { route: StubRoute; params: Record<string, string> } | undefined {
  for (const route of stubRoutes) {
    const match = route.spec.method === method ? route.pattern.exec(path) : null
    if (match === null) continue
    const params = Object.entries(match.groups ?? {}).map(([name, text]) => [name, decodeURIComponent(text)])
    return { route, params: Object.fromEntries(params) }
  }
  return undefined
}
