import { SUPERVISOR_SETTING } from './postmaster-file.ts'

/** What an embedded server's settings depend on. */
export interface EmbeddedSettings {
  readonly socketDirectory: string
  readonly supervisorPid: number
  readonly maxConnections: number
  /** False trades crash safety for speed in tests. */
  readonly isDurable: boolean
}

/**
 * Returns the settings of the embedded server, sized for a machine that also runs workspaces. All
 * of them go on the command line, so that files in the data directory never decide who can connect
 * or what a commit means.
 */
export function postgresSettings(settings: EmbeddedSettings): Record<string, string> {
  const durable = settings.isDurable ? 'on' : 'off'
  return {
    [SUPERVISOR_SETTING]: String(settings.supervisorPid),
    // Who can connect: only users that can enter the socket's 0700 folder.
    listen_addresses: '',
    unix_socket_directories: `"${settings.socketDirectory.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    port: '5432',
    max_connections: String(settings.maxConnections),
    // What a commit means.
    fsync: durable,
    synchronous_commit: durable,
    full_page_writes: durable,
    restart_after_crash: 'on',
    // Memory and processes.
    shared_buffers: '128MB',
    work_mem: '8MB',
    maintenance_work_mem: '64MB',
    max_wal_size: '512MB',
    min_wal_size: '32MB',
    max_wal_senders: '2',
    max_logical_replication_workers: '0',
    autovacuum_max_workers: '2',
    max_parallel_workers_per_gather: '0',
    io_method: 'sync',
    huge_pages: 'off',
    jit: 'off',
    random_page_cost: '1.1',
    // Clients see the errors of their statements; the log is about the server.
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '',
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_checkpoints: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    cluster_name: 'berth',
  }
}

/** Returns the settings as arguments of `postgres`. */
export function settingArguments(settings: EmbeddedSettings): string[] {
  return Object.entries(postgresSettings(settings)).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
