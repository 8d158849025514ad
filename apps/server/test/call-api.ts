import { rawRequest, type RawAnswer, type RawRequest } from './raw-request.ts'
import type { TestServer } from './start-test-server.ts'

export interface ApiCall extends Omit<RawRequest, 'token'> {
  /** Default: that of the first user; null: none. */
  readonly token?: string | null
}

export interface ApiAnswer extends RawAnswer {
  // oxlint-disable-next-line typescript/no-explicit-any -- what a test expects of the body is what it checks
  readonly json: any
}

/**
 * Sends a signed-in request that no client would send, and returns the raw answer. `line` is a
 * method and a path below `/api/v2`, such as `GET /workspaces?limit=x`.
 */
export async function callApi(server: TestServer, line: string, { token, ...request }: ApiCall = {}): Promise<ApiAnswer> {
  const sent = token === undefined ? server.firstUser.token : token
  return await rawRequest(server.url, line, { ...request, ...(sent !== null && { token: sent }) })
}
