import type { BerthApi, EndpointSpec, RequestOf, ResponseOf } from './index.ts'
import type { ApiShapes } from './shapes.gen.ts'

/**
 * Whether two types are identical. Being assignable to each other is not enough: an optional member
 * could be missing.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the compiler compares two open conditional types by identity
type Same<One, Other> = (<T>() => T extends One ? 1 : 2) extends <T>() => T extends Other ? 1 : 2 ? true : false

type Derived<Group> = {
  [
    Name in keyof Group as Group[Name] extends { delivery: 'websocket' | 'server_sent_events' } | { status: 307 } ? never : Name
  ]: Group[Name] extends EndpointSpec ? { request: RequestOf<Group[Name]>; response: ResponseOf<Group[Name]> } : never
}

/** The operations whose generated shape differs from what TypeBox derives from the endpoint. */
type Differences = {
  [Noun in keyof BerthApi]: Noun extends keyof ApiShapes
    ? {
        [Name in keyof Derived<BerthApi[Noun]>]: Name extends keyof ApiShapes[Noun]
          ? Same<ApiShapes[Noun][Name], Derived<BerthApi[Noun]>[Name]> extends true
            ? never
            : `${Noun}.${Name & string}`
          : `${Noun}.${Name & string} is missing`
      }[keyof Derived<BerthApi[Noun]>]
    : `${Noun} is missing`
}[keyof BerthApi]

const noDifferences: [Differences] extends [never] ? true : Differences = true
void noDifferences
