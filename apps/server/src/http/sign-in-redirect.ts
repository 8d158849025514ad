import type { Failure } from '@berth/schema'

/**
 * Returns the path of the sign-in page, which shows the failure's message and leads back
 * afterwards. The order of the query parameters is fixed (Coder v2 API, v0.13.4).
 */
export function signInPage({ message }: Failure, path: string): string {
  return `/login?${new URLSearchParams({ message, redirect: path }).toString()}`
}
