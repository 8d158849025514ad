/** One fact shown on a resource (Coder v2 API, v0.13.4). Entries with `is_null` are not stored. */
export interface ResourceMetadata {
  readonly key: string
  readonly value: string
  /** Hidden until asked for. */
  readonly sensitive: boolean
  readonly is_null: boolean
}

/**
 * How the health of an app is asked for. `interval` is in seconds; `threshold` is the number of failures in a row that make it unhealthy.
 */
export interface AppHealthcheck {
  readonly url: string
  readonly interval: number
  readonly threshold: number
}

/** Who may open an app besides its owner. */
export type AppSharingLevel = 'owner' | 'authenticated' | 'public'

/** Something an agent serves to people: a web page, or a command in a terminal. */
export interface App {
  /** `^[a-z0-9](-?[a-z0-9])*$`, unique within the resource. */
  readonly slug: string
  readonly display_name: string
  readonly command: string
  readonly url: string
  readonly icon: string
  /** Served below a host name of its own instead of a path. */
  readonly subdomain: boolean
  readonly healthcheck?: AppHealthcheck
  readonly sharing_level: AppSharingLevel
  /** The address is opened by the browser itself, without a proxy. */
  readonly external: boolean
}

/** The process that makes a resource usable: terminal, SSH and apps go through it. */
export interface Agent {
  readonly id: string
  readonly name: string
  /** Empty means that none were given. */
  readonly env: Readonly<Record<string, string>>
  readonly startup_script: string
  readonly operating_system: string
  readonly architecture: string
  /** Where shells start; empty means the home directory. */
  readonly directory: string
  readonly apps: readonly App[]
  /** Authentication by a secret, a UUID. Absent or empty: the server makes one up. Excludes `instance_id`. */
  readonly token?: string
  /** Authentication by the identity of a cloud machine. Excludes `token`. */
  readonly instance_id?: string
  /** Seconds after which an agent that never connected counts as timed out; 0 means never. */
  readonly connection_timeout_seconds: number
  readonly troubleshooting_url: string
  readonly motd_file: string
}

/** One thing that a template brings into being. */
export interface Resource {
  readonly name: string
  readonly type: string
  readonly agents: readonly Agent[]
  readonly metadata: readonly ResourceMetadata[]
  readonly hide: boolean
  readonly icon: string
  readonly instance_type: string
  /** Credits a day against the owner's quota. */
  readonly daily_cost: number
}
