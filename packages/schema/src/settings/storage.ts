import { unusedFileDays } from '../rules/unused-files.ts'
import type { SettingRows } from './setting-row.ts'

/** Where data is stored, what encrypts it, and how long it is kept. */
export const storageSettings = {
  dataDirectory: {
    path: 'data_dir',
    kind: 'string',
    usage:
      'Directory for the embedded database and local workspaces. Default: /var/lib/berth for root, otherwise berth in $XDG_DATA_HOME or ~/.local/share.',
  },
  cacheDirectory: {
    path: 'cache_directory',
    flag: 'cache-dir',
    kind: 'string',
    label: 'Cache Directory',
    usage:
      'Directory for files that the server can make again. It serves the agent executables in bin/ below it at /bin/. Default: cache in the data directory.',
  },
  inMemoryDatabase: {
    path: 'in_memory_database',
    flag: 'in-memory',
    kind: 'bool',
    default: 'false',
    label: 'In Memory Database',
    hidden: true,
    unavailable: true,
    usage: 'Keep the database in memory.',
  },
  pgConnectionUrl: {
    path: 'pg_connection_url',
    flag: 'postgres-url',
    kind: 'string',
    label: 'Postgres Connection URL',
    secret: true,
    usage: 'URL of a PostgreSQL database to use instead of the embedded one.',
  },
  secretKeys: {
    path: 'secret_key',
    kind: 'string',
    secret: true,
    usage:
      'Keys for the secrets in the database, each 32 bytes in base64, separated by commas. The first encrypts, all of them decrypt. Default: the file secret.key in the data directory.',
  },
  fileQuotaMib: {
    path: 'file_quota_mib',
    kind: 'int',
    default: '1024',
    range: [0, 1_048_576],
    usage: `How many MiB of uploaded files a user may have that no template version uses. The server deletes such files ${unusedFileDays} days after their last upload. 0: any number.`,
  },
  fileQuotaCount: {
    path: 'file_quota_count',
    kind: 'int',
    default: '1000',
    range: [0, 1_000_000],
    usage: 'How many uploaded files a user may have that no template version uses. 0: any number.',
  },
  jobLogRetentionMs: {
    path: 'job_log_retention',
    kind: 'duration',
    default: '2160h',
    usage:
      "How long to keep the logs of provisioner jobs. Those of a workspace's latest build and of a template's active and newest version stay. 0 keeps all of them forever.",
  },
  agentStatsRetentionMs: {
    path: 'agent_stats_retention',
    kind: 'duration',
    default: '720h',
    usage: 'How long to keep the statistics that agents report. 0 keeps them forever.',
  },
  auditLogRetentionMs: {
    path: 'audit_log_retention',
    kind: 'duration',
    default: '0',
    usage: 'How long to keep entries of the audit log. 0 keeps them forever.',
  },
} as const satisfies SettingRows
