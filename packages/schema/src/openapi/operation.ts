import type { EndpointSpec } from '../endpoint.ts'
import { exampleOf, type PlainSchema } from './example-of.ts'
import { failures, type FailureCode } from '../failures.ts'
import type { Components, JsonObject } from './components.ts'
import { Response } from '../wire.ts'

/** The name of an operation and its section in the API reference. */
export interface OperationPlace {
  readonly operationId: string
  readonly tag: string
}

/** Failures whose answer names invalid fields. */
const fieldFailures = new Set<FailureCode>(['validation_failed', 'invalid_query', 'invalid_search', 'invalid_schedule', 'invalid_ttl'])

/** Renders an endpoint as an OpenAPI operation object. */
export function renderOperation(spec: EndpointSpec, place: OperationPlace, components: Components): JsonObject {
  const parameters = [...renderParameters(spec.params, 'path', components), ...renderParameters(spec.query, 'query', components)]
  const description = descriptionOf(spec)
  return {
    operationId: place.operationId,
    tags: [place.tag],
    summary: spec.summary.replace(/\.$/, ''),
    ...(description !== '' && { description }),
    security: securityOf(spec),
    ...(parameters.length > 0 && { parameters }),
    ...requestBody(spec, components),
    responses: { ...renderSuccesses(spec, components), ...renderFailures(spec, components) },
  }
}

/**
 * Lists the failures of an operation: its own, and those that any operation with its access can
 * answer.
 */
export function failuresOf(spec: EndpointSpec): FailureCode[] {
  const isRefused = spec.access !== 'anyone' && spec.access !== 'agent' && spec.signInRedirect !== true
  const signedIn: FailureCode[] = isRefused ? ['signed_out', 'user_not_active'] : []
  const ofBody: FailureCode[] = spec.body === undefined ? [] : ['validation_failed']
  if (spec.body !== undefined || spec.bodyType !== undefined) ofBody.push('body_too_large')
  return [...new Set<FailureCode>([...spec.failures, ...ofBody, ...signedIn, 'rate_limited', 'internal', 'unavailable', 'storage_full'])]
}

function descriptionOf(spec: EndpointSpec): string {
  const { requestsPerMinute, description = '' } = spec
  const limit = requestsPerMinute === undefined ? '' : `At most ${requestsPerMinute} requests a minute.`
  return [description, accessNote(spec), limit].filter((part) => part !== '').join('\n\n')
}

/** Says who may call an operation. */
function accessNote({ access }: EndpointSpec): string {
  if (access === 'anyone') return 'Anyone may call it.'
  if (access === 'agent') return 'Only workspace agents may call it.'
  if (access === 'signed_in') return 'Any signed-in user may call it.'
  const { resource, action, denied = 'not_found', filtered } = access
  if (filtered) return `The answer covers only what the caller may \`${action}\` (permission on \`${resource}\`).`
  return `Requires the permission \`${action}\` on \`${resource}\`. Without it the answer is ${failures[denied].status}.`
}

function securityOf({ access }: EndpointSpec): JsonObject[] {
  if (access === 'anyone') return []
  return access === 'agent' ? [{ agentToken: [] }] : [{ sessionToken: [] }, { sessionCookie: [] }]
}

function renderParameters(schema: PlainSchema | undefined, place: 'path' | 'query', components: Components): JsonObject[] {
  const required = new Set(schema?.required)
  const examples: unknown = schema === undefined ? {} : exampleOf(schema)
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property
    const example: unknown = Object.entries(Object(examples)).find(([key]) => key === name)?.[1]
    return {
      name,
      in: place,
      required: required.has(name),
      description:
        typeof description === 'string' ? description : `${name.charAt(0).toUpperCase()}${name.slice(1).replace(/name$/, ' name')}.`,
      schema: components.refer(rest),
      ...(name === 'follow' && { allowEmptyValue: true }),
      ...(example !== undefined && { example }),
    }
  })
}

function requestBody(spec: EndpointSpec, components: Components): JsonObject {
  if (spec.bodyType !== undefined) return { requestBody: { required: true, content: { [spec.bodyType]: { schema: {} } } } }
  if (spec.body === undefined) return {}
  const content = { schema: components.refer(spec.body, 'request'), example: exampleOf(spec.body) }
  return { requestBody: { required: true, content: { 'application/json': content } } }
}

function renderSuccesses(spec: EndpointSpec, components: Components): JsonObject {
  const success = renderSuccess(spec, components)
  const isFollowable = Object.hasOwn(spec.query?.properties ?? {}, 'follow')
  return {
    ...(isFollowable && {
      101: {
        description:
          'With `follow`: a WebSocket. Each text message is one entry. The server closes the socket with code 1000 when the job ends.',
      },
    }),
    [spec.status]: success,
    ...(spec.alternativeStatus === 200 && { 200: { ...success, description: 'It exists already.' } }),
    ...(spec.alternativeStatus === 304 && { 304: { description: 'Nothing would change. The answer has no body.' } }),
  }
}

function renderSuccess(spec: EndpointSpec, components: Components): JsonObject {
  switch (spec.delivery) {
    case 'websocket':
      return { description: 'The connection becomes a WebSocket.' }
    case 'bytes':
      return { description: 'Raw bytes.', content: { [spec.responseType ?? 'application/octet-stream']: { schema: {} } } }
    case 'server_sent_events':
      return { description: 'Events, until the client disconnects.', content: { 'text/event-stream': eventStream(spec, components) } }
    default:
  }
  if (spec.status === 307)
    return {
      description: 'Redirect to the URL in the header `Location`.',
      headers: { Location: { description: 'URL to continue at.', schema: { type: 'string', format: 'uri-reference' } } },
    }
  if (spec.response === undefined) return { description: 'Done. The answer has no body.' }
  const content = { schema: components.refer(spec.response), example: exampleOf(spec.response) }
  return { description: spec.status === 201 ? 'Created.' : 'Done.', content: { 'application/json': content } }
}

function eventStream(spec: EndpointSpec, components: Components): JsonObject {
  const contentSchema = spec.response === undefined ? {} : components.refer(spec.response)
  return {
    schema: { type: 'string', contentMediaType: 'text/event-stream', contentSchema },
    example: 'event: ping\n\nevent: data\ndata: {"id":"08891da4-eab9-436f-a2c1-dcac63926249","name":"dev"}\n\n',
  }
}

function renderFailures(spec: EndpointSpec, components: Components): JsonObject {
  const byStatus = new Map<number, FailureCode[]>()
  for (const code of failuresOf(spec)) {
    const { status } = failures[code]
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  const rows = [...byStatus].toSorted(([one], [other]) => one - other)
  return {
    ...Object.fromEntries(rows.map(([status, codes]) => [status, renderFailure(status, codes, components)])),
    // Tools look for a success among 2xx. This tells them that every other answer is a failure.
    ...(succeedsElsewhere(spec) && {
      default: { description: 'Any other failure.', content: { 'application/json': { schema: components.refer(Response) } } },
    }),
  }
}

/** Whether an operation succeeds without a 2xx: with a WebSocket or a redirect. */
function succeedsElsewhere({ delivery, status }: EndpointSpec): boolean {
  return delivery === 'websocket' || status === 307
}

function renderFailure(status: number, codes: readonly FailureCode[], components: Components): JsonObject {
  return {
    description: codes.map((code) => failures[code].message).join('\n\n'),
    ...(status === 429 && {
      headers: {
        'Retry-After': { description: 'Seconds until the next request can succeed.', schema: { type: 'integer', format: 'int32' } },
      },
    }),
    content: {
      'application/json': {
        schema: components.refer(Response),
        examples: Object.fromEntries(codes.map((code) => [code, { value: failureExample(code) }])),
      },
    },
  }
}

function failureExample(code: FailureCode): JsonObject {
  const { message } = failures[code]
  return fieldFailures.has(code) ? { message, validations: [{ field: 'name', detail: 'What is wrong with the field.' }] } : { message }
}
