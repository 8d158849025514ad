import { Type, type Static } from '@sinclair/typebox'
import { AnyInteger, Choice, Line, StringMap, Timestamp, Uuid } from '../wire.ts'

/**
 * Job statuses (Coder v2 API, v0.13.4). `pending`, `running` and `canceling` are the active ones.
 */
export const jobStatuses = ['pending', 'running', 'succeeded', 'canceling', 'canceled', 'failed'] as const
export type JobStatus = (typeof jobStatuses)[number]

/**
 * Provisioners that run a template's jobs: `berth` for native templates, `terraform`, and `echo`
 * for tests.
 */
export const provisionerTypes = ['berth', 'echo', 'terraform'] as const
export type ProvisionerType = (typeof provisionerTypes)[number]

/**
 * A unit of work for a provisioner: the import of a template version, a dry run or a workspace
 * build.
 */
export const ProvisionerJob = Type.Object(
  {
    id: Uuid(),
    created_at: Timestamp(),
    started_at: Type.Optional(Timestamp()),
    completed_at: Type.Optional(Timestamp()),
    canceled_at: Type.Optional(Timestamp()),
    error: Type.Optional(Type.String({ description: 'Why the job failed.' })),
    status: Choice(jobStatuses),
    worker_id: Type.Optional(Uuid({ description: 'ID of the provisioner daemon that runs the job.' })),
    file_id: Uuid({ description: 'ID of the template archive.' }),
    tags: StringMap({ description: 'Only a daemon that has all these tags runs the job.' }),
  },
  { title: 'ProvisionerJob' },
)
export type ProvisionerJob = Static<typeof ProvisionerJob>

export const logSources = ['provisioner_daemon', 'provisioner'] as const
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** A log line of a job. IDs increase across all jobs, so they work as cursors. */
export const ProvisionerJobLog = Type.Object(
  {
    id: Type.Integer(),
    created_at: Timestamp(),
    log_source: Choice(logSources),
    log_level: Choice(logLevels),
    stage: Type.String({ description: 'The stage the job was in.' }),
    output: Type.String(),
  },
  { title: 'ProvisionerJobLog' },
)
export type ProvisionerJobLog = Static<typeof ProvisionerJobLog>

/** Query parameters of the log endpoints. The mere presence of `follow` asks for a WebSocket. */
export const LogQuery = Type.Object({
  before: Type.Optional(AnyInteger({ description: 'Return only entries with a smaller ID.', refusedAs: 'Must be an integer' })),
  after: Type.Optional(AnyInteger({ description: 'Return only entries with a greater ID.', refusedAs: 'Must be an integer' })),
  follow: Type.Optional(Line({ description: 'If present, upgrade to a WebSocket and stream entries until the job ends.' })),
})
export type LogQuery = Static<typeof LogQuery>
