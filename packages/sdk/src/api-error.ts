const brand = Symbol.for('@berth/sdk/ApiError')

/** Longest part of a failure's body that is read. */
const maxFailureBytes = 64 * 1024
/** How much of an answer that is not JSON a message shows. */
const maxShownCharacters = 200

/** One field of a request that the server refused, and why. */
export interface FieldError {
  readonly field: string
  readonly detail: string
}

/** What an {@link ApiError} is made of. */
export interface ApiErrorOptions {
  readonly status: number
  readonly message: string
  readonly detail?: string | undefined
  readonly validations?: readonly FieldError[] | undefined
  readonly method: string
  readonly url: string
}

/**
 * The server answered, and the answer was a failure; or it was no answer of a Berth server at all.
 *
 * `message` is for people. It comes from the server where it sent one (Coder v2 API, v0.13.4: `codersdk.Response`). 429 and 503 are
 * errors like any other: the client never repeats a call by itself.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** HTTP status. 0 when a browser hides it. */
  readonly status: number
  /** Technical detail, if the server gave any. */
  readonly detail: string | undefined
  /** The fields of the request that were refused; empty for most failures. */
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

  /** True for errors of any copy of this package. With `status`, only for that status. */
  static is(value: unknown, status?: number): value is ApiError {
    if (typeof value !== 'object' || value === null || !(brand in value)) return false
    return status === undefined || ('status' in value && value.status === status)
  }
}

/** The request that an answer belongs to. */
export interface Asked {
  readonly method: string
  readonly url: string
}

/** Reads the answer of a failure. Always returns an error, whatever the server sent. */
export async function apiErrorOf(response: Response, asked: Asked): Promise<ApiError> {
  if (response.status === 304) return new ApiError({ ...asked, status: 304, message: 'Not modified.' })
  if (response.type === 'opaqueredirect' || (response.status >= 300 && response.status < 400)) {
    await response.body?.cancel()
    const location = response.headers.get('location')
    // Not followed: the session token would go along to wherever the redirect points.
    const message = `The server redirects to ${location ?? 'another address'}. Use the address that it wants to be reached at.`
    return new ApiError({ ...asked, status: response.status, message })
  }
  return failureOf({
    ...asked,
    status: response.status,
    contentType: response.headers.get('content-type'),
    text: await readStart(response),
  })
}

/** The pieces of an answer that says no. */
export interface FailureAnswer extends Asked {
  readonly status: number
  readonly contentType: string | null
  /** The body, or the beginning of it. */
  readonly text: string
}

/** Makes the error of an answer whose body has been read. */
export function failureOf({ method, url, status, contentType, text }: FailureAnswer): ApiError {
  const asked = { method, url, status }
  const body = contentType === null || isJson(contentType) ? parseFailureBody(text) : undefined
  if (body !== undefined) return new ApiError({ ...asked, ...body })
  if (text.trim() === '') return new ApiError({ ...asked, message: `The server answered ${status} without saying why.` })
  return new ApiError({ ...asked, message: `The server answered ${status} with ${describe(contentType, text)}` })
}

/** The error for an answer that should have been JSON and is not. */
export function notJsonError({ method, url, status, contentType, text }: FailureAnswer): ApiError {
  const doubt = `Is ${new URL(url).origin} the address of a Berth server?`
  return new ApiError({ method, url, status, message: `The server answered ${status} with ${describe(contentType, text)} ${doubt}` })
}

/** Whether a content type announces JSON. */
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

/** The first {@link maxFailureBytes} of a body as text; what came before the connection broke, if it breaks. */
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
    // The status says more than half a body does.
  }
  return text + decoder.decode()
}
