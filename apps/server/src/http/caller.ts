import type { Actor as Permissions } from '../access/may.ts'

/** Where a request came from, for the log and the audit log. */
export interface Origin {
  readonly request_id: string
  /** The client's address, without the port. */
  readonly ip: string
  readonly user_agent: string
}

/** The signed-in user behind a request, with the key they used and what they may do. */
export interface Actor {
  readonly user_id: string
  readonly username: string
  /** The key that authenticated the request. */
  readonly key_id: string
  readonly permissions: Permissions
  /** The only host on which the key opens apps. Undefined: the key isn't bound to a host. */
  readonly app_host?: string
  readonly origin: Origin
}
