import type { LogLevel } from './driver.ts'
import type { ParameterSchema } from './parameters.ts'
import type { Agent, App, Resource, ResourceMetadata } from './resources.ts'
import { encodeParseResponse, encodeProvisionResponse } from './drivers/echo/echo-messages.ts'
import { writeTar } from './drivers/echo/tar-writer.ts'

/** A log line whose fields are optional. */
export interface EchoLogInput {
  readonly level?: LogLevel
  readonly output?: string
}

/** An agent whose fields are all optional. */
export interface EchoAgentInput extends Omit<Partial<Agent>, 'apps'> {
  readonly apps?: readonly Partial<App>[]
}

/** A resource whose fields are all optional. */
export interface EchoResourceInput extends Omit<Partial<Resource>, 'agents' | 'metadata'> {
  readonly agents?: readonly EchoAgentInput[]
  readonly metadata?: readonly Partial<ResourceMetadata>[]
}

/** One message of a parse. */
export interface EchoParseInput {
  readonly log?: EchoLogInput
  /** A schema with a `default_source_value` has a default. */
  readonly complete?: { readonly parameter_schemas?: readonly Partial<ParameterSchema>[] }
}

/** One message of a plan or an apply. */
export interface EchoProvisionInput {
  readonly log?: EchoLogInput
  readonly complete?: {
    readonly resources?: readonly EchoResourceInput[]
    readonly state?: Uint8Array
    readonly error?: string
    readonly plan?: Uint8Array
  }
}

/** The messages that the echo driver plays back. */
export interface EchoResponses {
  readonly parse?: readonly EchoParseInput[]
  readonly plan?: readonly EchoProvisionInput[]
  readonly apply?: readonly EchoProvisionInput[]
}

/**
 * Returns a template archive for the echo driver (Coder v2 API, v0.13.4).
 *
 * An absent list becomes one message that completes with nothing; an absent plan repeats the apply.
 * An empty list writes no file, so the driver fails with `no state`. A list without `complete` runs
 * until it is forced to end.
 *
 * @example
 * ```ts
 * echoArchive({
 *   apply: [
 *     { log: { level: 'info', output: 'working' } },
 *     { complete: { resources: [{ name: 'dev', type: 'machine', agents: [{ name: 'main' }] }] } },
 *   ],
 * })
 * ```
 */
export function echoArchive({ parse, plan, apply }: EchoResponses = {}): Uint8Array {
  const parses = parse ?? [{ complete: {} }]
  const applies = apply ?? [{ complete: {} }]
  const plans = plan ?? applies
  return writeTar([
    ...parses.map((input, index) => ({
      name: `${index}.parse.protobuf`,
      content: encodeParseResponse({
        ...(input.log && { log: input.log }),
        ...(input.complete && { complete: { parameter_schemas: input.complete.parameter_schemas ?? [] } }),
      }),
    })),
    ...plans.map((input, index) => ({ name: `${index}.provision.plan.protobuf`, content: encodeProvisionResponse(input) })),
    ...applies.map((input, index) => ({ name: `${index}.provision.apply.protobuf`, content: encodeProvisionResponse(input) })),
  ])
}
