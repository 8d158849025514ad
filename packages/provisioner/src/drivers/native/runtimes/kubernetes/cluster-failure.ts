import { ProvisionError } from '../../../../driver.ts'

/** Thrown when the cluster refuses a request and would refuse it again. */
export class ClusterRefusal extends ProvisionError {
  /** The HTTP status: 403, 404, 422… */
  readonly code: number

  constructor(message: string, { code, cause }: { readonly code: number; readonly cause: unknown }) {
    super(message, { cause })
    this.code = code
  }
}

/** The client's error for a status above 299. Requests set `code`, watches `statusCode`. */
interface AnswerError extends Error {
  readonly code?: unknown
  readonly statusCode?: unknown
  readonly body?: unknown
}

const advice: Readonly<Record<number, string>> = {
  401: "; the server's credentials are wrong or expired",
  403: "; grant the server's account the rights that the README of the starter template kubernetes lists",
}

/**
 * Converts an error of the client to one with a message for users. The message contains no request
 * headers.
 */
export function clusterFailure(error: unknown, server: string): ProvisionError {
  if (error instanceof ProvisionError) return error
  if (!(error instanceof Error)) return new ProvisionError(`the cluster at ${server} does not answer`, { cause: error })
  const { code, statusCode, body } = error as AnswerError
  const status = [code, statusCode].find((candidate) => typeof candidate === 'number')
  if (status === undefined) return new ProvisionError(`can't reach the cluster at ${server}: ${error.message}`, { cause: error })
  const text = `the cluster says: ${statusMessage(body) ?? `status ${status}`}${advice[status] ?? ''}`
  // After 409, 429 and 5xx another try may succeed.
  const isFinal = status >= 400 && status < 500 && status !== 409 && status !== 429
  return isFinal ? new ClusterRefusal(text, { code: status, cause: error }) : new ProvisionError(text, { cause: error })
}

/** Returns the `message` of the Kubernetes Status object in a response body. */
function statusMessage(body: unknown): string | undefined {
  const status: unknown = typeof body === 'string' ? parse(body) : body
  if (typeof status !== 'object' || status === null || !('message' in status)) return undefined
  return typeof status.message === 'string' && status.message !== '' ? status.message : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // for example a page of a proxy
  }
}
