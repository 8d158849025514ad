/**
 * A key and a value shown on a resource (Coder v2 API, v0.13.4). Entries with `is_null` are not
 * stored.
 */
export interface ResourceMetadata {
  readonly key: string
  readonly value: string
  /** Hidden until the user reveals it. */
  readonly sensitive: boolean
  readonly is_null: boolean
}

/**
 * How an app's health is checked. `interval` is in seconds, `threshold` is the number of
 * consecutive failures that make the app unhealthy.
 */
export interface AppHealthcheck {
  readonly url: string
  readonly interval: number
  readonly threshold: number
}

/** Who may open an app. */
export type AppSharingLevel = 'owner' | 'authenticated' | 'public'

/** A web page or a terminal command that an agent offers to people. */
export interface App {
  /** `^[a-z0-9](-?[a-z0-9])*$`, unique within the resource. */
  readonly slug: string
  readonly display_name: string
  readonly command: string
  readonly url: string
  readonly icon: string
  /** Served under its own host name instead of a path. */
  readonly subdomain: boolean
  readonly healthcheck?: AppHealthcheck
  readonly sharing_level: AppSharingLevel
  /** The browser opens the URL directly, without a proxy. */
  readonly external: boolean
}

/** The process that makes a resource usable: terminals, SSH and apps go through it. */
export interface Agent {
  readonly id: string
  readonly name: string
  readonly env: Readonly<Record<string, string>>
  readonly startup_script: string
  readonly operating_system: string
  readonly architecture: string
  /** The directory where shells start. Empty means the home directory. */
  readonly directory: string
  readonly apps: readonly App[]
  /**
   * The secret that authenticates the agent, a UUID. If absent or empty, the server makes one.
   * Excludes `instance_id`.
   */
  readonly token?: string
  /** The cloud instance whose identity authenticates the agent. Excludes `token`. */
  readonly instance_id?: string
  /** Seconds until an agent that never connected counts as timed out. 0 means never. */
  readonly connection_timeout_seconds: number
  readonly troubleshooting_url: string
  readonly motd_file: string
}

/** A thing that a template creates. */
export interface Resource {
  readonly name: string
  readonly type: string
  readonly agents: readonly Agent[]
  readonly metadata: readonly ResourceMetadata[]
  readonly hide: boolean
  readonly icon: string
  readonly instance_type: string
  /** The credits a day that count against the owner's quota. */
  readonly daily_cost: number
}
