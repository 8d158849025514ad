import type { Failure } from '@berth/schema'

/** The page on which to sign in, which says why and leads back afterwards. The words of its query come in this order (Coder v2 API, v0.13.4). */
export function signInPage({ message }: Failure, path: string): string {
  return `/login?${new URLSearchParams({ message, redirect: path }).toString()}`
}
