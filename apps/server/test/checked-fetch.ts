import { FormatRegistry, type TSchema } from '@sinclair/typebox'
import { TypeCompiler, type TypeCheck } from '@sinclair/typebox/compiler'
import { Response as FailureResponse, api, failures, type EndpointSpec } from '@berth/schema'
import { isEmail } from '@berth/schema/rules'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{0,5}[1-9])?Z$/

interface Checked {
  readonly spec: EndpointSpec
  readonly pattern: RegExp
  readonly response: TypeCheck<TSchema> | undefined
}

let compiled: Checked[] | undefined
let failureBody: TypeCheck<TSchema> | undefined

/** Codes that any endpoint may answer with. */
const COMMON_STATUSES = new Set([401, 403, 429, 503, 507])

/**
 * `fetch` that checks every answer against the contract: the endpoint must document the status, and
 * the body must have its shape. Any test that gets another answer fails.
 */
export const checkedFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init)
  const url = new URL(input instanceof Request ? input.url : input)
  const method = init?.method ?? 'GET'
  const path = url.pathname.replace(/^\/api\/v2/, '')
  const endpoint = endpoints().find(({ spec, pattern }) => spec.method === method && pattern.test(path))
  if (endpoint !== undefined) await checkAnswer(endpoint, response.clone(), `${method} ${path}`)
  return response
}

async function checkAnswer({ spec, response: shape }: Checked, response: Response, what: string): Promise<void> {
  const isSuccess = response.status === spec.status || response.status === spec.alternativeStatus
  const documented = new Set<number>(spec.failures.map((code) => failures[code].status))
  if (!isSuccess && !documented.has(response.status) && !COMMON_STATUSES.has(response.status))
    throw new Error(`${what} answered ${response.status}, which its contract does not list: ${await response.text()}`)
  if (isSuccess && spec.delivery === 'bytes' && response.headers.get('content-type') !== spec.responseType)
    throw new Error(`${what} answered with the content type ${response.headers.get('content-type')}, not ${spec.responseType}`)
  if (isSuccess && (shape === undefined || spec.delivery === 'server_sent_events' || spec.delivery === 'bytes')) return
  if (response.status === 304 || response.status === 204) return
  const body: unknown = await response.json()
  const check = isSuccess ? shape : (failureBody ??= TypeCompiler.Compile(FailureResponse))
  const error = check?.Errors(body).First()
  if (error !== undefined)
    throw new Error(
      `${what} answered ${response.status} with a body off its contract at ${error.path || '/'}: ${error.message} (${JSON.stringify(error.value)})`,
    )
}

function endpoints(): Checked[] {
  if (compiled !== undefined) return compiled
  FormatRegistry.Set('uuid', (value) => UUID.test(value))
  FormatRegistry.Set('date-time', (value) => TIME.test(value))
  FormatRegistry.Set('email', isEmail)
  FormatRegistry.Set('uri', (value) => URL.canParse(value))
  FormatRegistry.Set('uri-reference', (value) => URL.canParse(value, 'http://berth.example'))
  FormatRegistry.Set('byte', (value) => Buffer.from(value, 'base64').toString('base64') === value)
  compiled = Object.values(api)
    .flatMap((group) => Object.values<EndpointSpec>(group))
    .sort((a, b) => parameterCount(a) - parameterCount(b))
    .map((spec) => ({
      spec,
      pattern: new RegExp(`^${spec.path.replace(/:\w+/g, '[^/]+')}/?$`),
      response: spec.response === undefined ? undefined : TypeCompiler.Compile(spec.response),
    }))
  return compiled
}

/** Paths of fixed words first, so that `/users/first` is not taken for a user. */
function parameterCount(spec: EndpointSpec): number {
  return spec.path.split(':').length
}
