import { ProvisionError } from '../../../../driver.ts'

/** The cluster understood and won't: it would say the same again. */
export class ClusterRefusal extends ProvisionError {
  /** Status of the answer: 403, 404, 422. */
  readonly code: number

  constructor(message: string, { code, cause }: { readonly code: number; readonly cause: unknown }) {
    super(message, { cause })
    this.code = code
  }
}

/** What the client throws at an answer above 299: one thrown for requests, one for watches. */
interface AnswerError extends Error {
  readonly code?: unknown
  readonly statusCode?: unknown
  readonly body?: unknown
}

const advice: Readonly<Record<number, string>> = {
  401: '; the credentials of the server are wrong or out of date',
  403: '; give the account of the server the rights that the documentation of the runtime lists',
}

/** What went wrong, in words for whoever waits for the build. Nothing of the request's headers is in it. */
export function clusterFailure(error: unknown, server: string): ProvisionError {
  if (error instanceof ProvisionError) return error
  if (!(error instanceof Error)) return new ProvisionError(`the cluster at ${server} does not answer`, { cause: error })
  const { code, statusCode, body } = error as AnswerError
  const status = [code, statusCode].find((candidate) => typeof candidate === 'number')
  if (status === undefined) return new ProvisionError(`the cluster at ${server} can't be reached: ${error.message}`, { cause: error })
  const text = `the cluster says: ${statusMessage(body) ?? `status ${status}`}${advice[status] ?? ''}`
  // Above 499 and at 409 and 429 another time may do.
  const isFinal = status >= 400 && status < 500 && status !== 409 && status !== 429
  return isFinal ? new ClusterRefusal(text, { code: status, cause: error }) : new ProvisionError(text, { cause: error })
}

/** The `message` of the Kubernetes Status object that answers carry. */
function statusMessage(body: unknown): string | undefined {
  const status: unknown = typeof body === 'string' ? parse(body) : body
  if (typeof status !== 'object' || status === null || !('message' in status)) return undefined
  return typeof status.message === 'string' && status.message !== '' ? status.message : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // a proxy's page, say
  }
}
