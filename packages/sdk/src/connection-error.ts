const brand = Symbol.for('@berth/sdk/ConnectionError')

/**
 * The server can't be reached, or the connection broke before the answer was complete. `cause` is
 * the underlying error.
 */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  readonly method: string
  readonly url: string
  readonly [brand] = true

  constructor(message: string, options: { readonly method: string; readonly url: string; readonly cause: unknown }) {
    super(message, { cause: options.cause })
    this.method = options.method
    this.url = options.url
  }

  /** Whether a value is a ConnectionError, from any copy of this package. */
  static is(value: unknown): value is ConnectionError {
    return typeof value === 'object' && value !== null && brand in value
  }
}

/** Returns the error for a failed request. Its message says what is wrong and what to check. */
export function connectionErrorOf(cause: unknown, asked: { readonly method: string; readonly url: string }): ConnectionError {
  return new ConnectionError(explain(cause, new URL(asked.url)), { ...asked, cause })
}

function explain(cause: unknown, { origin, hostname }: URL): string {
  const code = codeOf(cause)
  switch (code) {
    case 'ECONNREFUSED':
      return `No server answers at ${origin}. Check that it is running, and check the address and port.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host name "${hostname}" cannot be resolved. Check its spelling and your network.`
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return `${origin} did not answer in time. Check the address, your network and any firewall.`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `There is no network route to ${origin}. Check your network.`
    case 'ECONNRESET':
    case 'EPIPE':
    case 'UND_ERR_SOCKET':
      return `The connection to ${origin} broke before the answer was complete. Check that the server is running and try again.`
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return `${origin} does not speak HTTPS. Try http:// instead.`
    case undefined:
      return `${origin} cannot be reached (${messageOf(cause)}). Check the address and your network.`
    default:
      if (/CERT|SIGNATURE/.test(code)) {
        return `The certificate of ${origin} is not trusted (${code}). Check the address, or trust the issuer with NODE_EXTRA_CA_CERTS.`
      }
      return `${origin} cannot be reached (${code}). Check the address and your network.`
  }
}

/** Finds the system's error code, which `fetch` wraps in one or more errors. */
function codeOf(error: unknown, depth = 0): string | undefined {
  if (typeof error !== 'object' || error === null || depth > 4) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return 'cause' in error ? codeOf(error.cause, depth + 1) : undefined
}

function messageOf(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return inner instanceof Error && inner.message !== '' ? inner.message : String(inner)
}
