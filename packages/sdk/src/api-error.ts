const brand = Symbol.for('@berth/sdk/ApiError')

/** How much of a failure's body to read. */
const maxFailureBytes = 64 * 1024
/** How much of an answer that isn't JSON to show in a message. */
const maxShownCharacters = 200

/** An invalid field of a request. */
export interface FieldError {
  readonly field: string
  readonly detail: string
}

/** The parts of an {@link ApiError}. */
export interface ApiErrorOptions {
  readonly status: number
  readonly message: string
  readonly detail?: string | undefined
  readonly validations?: readonly FieldError[] | undefined
  readonly method: string
  readonly url: string
}

/**
 * The server answered with a failure, or with something that no Berth server sends.
 *
 * `message` is for people, and is the server's own if it sent one (Coder v2 API, v0.13.4). The
 * client never retries a call, not even after 429 or 503.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** HTTP status. 0 if the browser hides it. */
  readonly status: number
  /** Technical detail, if the server sent any. */
  readonly detail: string | undefined
  /** The invalid fields of the request. Empty for most failures. */
  readonly validations: readonly FieldError[]
  readonly method: string
  readonly url: string
  readonly [brand] = true

  constructor(options: ApiErrorOptions) {
    super(options.message)
    this.status = options.status
    this.detail = options.detail
    this.validations = options.validations ?? []
    this.method = options.method
    this.url = options.url
  }

  /**
   * Whether a value is an ApiError, from any copy of this package. With `status`, only of that
   * status.
   */
  static is(value: unknown, status?: number): value is ApiError {
    if (typeof value !== 'object' || value === null || !(brand in value)) return false
    return status === undefined || ('status' in value && value.status === status)
  }
}

/** The request of an answer. */
export interface Asked {
  readonly method: string
  readonly url: string
}

/** Reads a failed answer. Always returns an error, whatever the server sent. */
export async function apiErrorOf(response: Response, asked: Asked): Promise<ApiError> {
  if (response.status === 304) return new ApiError({ ...asked, status: 304, message: 'Not modified.' })
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    await response.body?.cancel()
    const location = response.headers.get('location')
    // Following it would send the session token to wherever the redirect points.
    const message = `The server redirects to ${location ?? 'another address'}. Use that address instead.`
    return new ApiError({ ...asked, status: response.status, message })
  }
  return failureOf({
    ...asked,
    status: response.status,
    contentType: response.headers.get('content-type'),
    text: await readStart(response),
  })
}

/** The parts of a failed answer. */
export interface FailureAnswer extends Asked {
  readonly status: number
  readonly contentType: string | null
  /** The body, or its beginning. */
  readonly text: string
}

/** Returns the error for a failed answer. */
export function failureOf({ method, url, status, contentType, text }: FailureAnswer): ApiError {
  const asked = { method, url, status }
  const body = contentType === null || isJson(contentType) ? parseFailureBody(text) : undefined
  if (body !== undefined) return new ApiError({ ...asked, ...body })
  if (text.trim() === '') return new ApiError({ ...asked, message: `The server answered ${status} without an explanation.` })
  return new ApiError({ ...asked, message: `The server answered ${status} with ${describe(contentType, text)}` })
}

/** Returns the error for an answer that should be JSON but isn't. */
export function notJsonError({ method, url, status, contentType, text }: FailureAnswer): ApiError {
  const doubt = `Check that ${new URL(url).origin} is the address of a Berth server.`
  return new ApiError({ method, url, status, message: `The server answered ${status} with ${describe(contentType, text)} ${doubt}` })
}

/** Whether a content type is JSON. */
export function isJson(contentType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(contentType.trim())
}

function describe(contentType: string | null, text: string): string {
  const shown = text.trim().replace(/\s+/g, ' ')
  const start = shown.length > maxShownCharacters ? `${shown.slice(0, maxShownCharacters)}…` : shown
  return `${contentType ?? 'no content type'} instead of JSON: "${start}".`
}

function parseFailureBody(text: string): Pick<ApiErrorOptions, 'message' | 'detail' | 'validations'> | undefined {
  const body = parseObject(text)
  if (typeof body?.message !== 'string') return undefined
  return {
    message: body.message,
    detail: typeof body.detail === 'string' ? body.detail : undefined,
    validations: Array.isArray(body.validations) ? body.validations.filter(isFieldError) : undefined,
  }
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function isFieldError(value: unknown): value is FieldError {
  if (typeof value !== 'object' || value === null || !('field' in value) || !('detail' in value)) return false
  return typeof value.field === 'string' && typeof value.detail === 'string'
}

/**
 * Reads up to {@link maxFailureBytes} of a body as text. If the connection breaks, returns what has
 * arrived.
 */
async function readStart(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  if (reader === undefined) return ''
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  try {
    while (bytes < maxFailureBytes) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.byteLength
      text += decoder.decode(value, { stream: true })
    }
    await reader.cancel()
  } catch {
    // The status is worth more than the rest of the body.
  }
  return text + decoder.decode()
}
