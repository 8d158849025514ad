import { SUPERVISOR_SETTING } from './postmaster-file.ts'

/** What the settings of an embedded server depend on. */
export interface EmbeddedSettings {
  readonly socketDirectory: string
  readonly supervisorPid: number
  readonly maxConnections: number
  /** False gives up crash safety for speed: for tests. */
  readonly isDurable: boolean
}

/**
 * The settings of the embedded server, all given on the command line: what is in the data directory never decides who can connect or what a
 * commit means. Sized for a machine that also runs workspaces.
 */
export function postgresSettings(settings: EmbeddedSettings): Record<string, string> {
  const durable = settings.isDurable ? 'on' : 'off'
  return {
    [SUPERVISOR_SETTING]: String(settings.supervisorPid),
    // Who can connect: only what can enter the 0700 folder of the socket.
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
    // Statements' errors reach their sender; the log is for what concerns the server.
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

/** The settings as arguments of `postgres`. */
export function settingArguments(settings: EmbeddedSettings): string[] {
  return Object.entries(postgresSettings(settings)).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
