/** The number of deleted rows of each kind. */
export interface Deleted {
  readonly api_keys: number
  readonly agent_stats: number
  readonly audit_logs: number
  readonly job_logs: number
  readonly files: number
}

/** Singular and plural of each kind, in the order in which they are named. */
const KINDS: readonly [kind: keyof Deleted, singular: string, plural: string][] = [
  ['job_logs', 'line of job logs', 'lines of job logs'],
  ['agent_stats', 'report of agent statistics', 'reports of agent statistics'],
  ['audit_logs', 'audit log entry', 'audit log entries'],
  ['files', 'unused file', 'unused files'],
  ['api_keys', 'API key', 'API keys'],
]

/**
 * Returns a sentence such as "deleted 1 204 expired records: 1 203 lines of job logs, 1 API key";
 * undefined for none.
 */
export function describeDeleted(deleted: Deleted): string | undefined {
  const parts = KINDS.filter(([kind]) => deleted[kind] > 0).map(
    ([kind, singular, plural]) => `${grouped(deleted[kind])} ${deleted[kind] === 1 ? singular : plural}`,
  )
  if (parts.length === 0) return undefined
  const total = KINDS.reduce((rows, [kind]) => rows + deleted[kind], 0)
  return `deleted ${grouped(total)} expired ${total === 1 ? 'record' : 'records'}: ${parts.join(', ')}`
}

/** Separates thousands with spaces. */
function grouped(count: number): string {
  return count.toLocaleString('en').replaceAll(',', ' ')
}
