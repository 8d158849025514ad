import { Type, type Static } from '@sinclair/typebox'
import { Choice, StringMap, Timestamp, Uuid } from '../wire.ts'

/** Where a job stands (Coder v2 API, v0.13.4). `pending`, `running` and `canceling` are active. */
export const jobStatuses = ['pending', 'running', 'succeeded', 'canceling', 'canceled', 'failed'] as const
export type JobStatus = (typeof jobStatuses)[number]

/** What runs a template's jobs: `berth` native templates, `terraform`, or `echo` for tests. */
export const provisionerTypes = ['berth', 'echo', 'terraform'] as const
export type ProvisionerType = (typeof provisionerTypes)[number]

/** One piece of work for a provisioner: importing a template version, a dry run, or a workspace build. */
export const ProvisionerJob = Type.Object(
  {
    id: Uuid(),
    created_at: Timestamp(),
    started_at: Type.Optional(Timestamp()),
    completed_at: Type.Optional(Timestamp()),
    canceled_at: Type.Optional(Timestamp()),
    error: Type.Optional(Type.String({ description: 'Why the job failed.' })),
    status: Choice(jobStatuses),
    worker_id: Type.Optional(Uuid({ description: 'The provisioner daemon that runs the job.' })),
    file_id: Uuid({ description: 'The template archive.' }),
    tags: StringMap({ description: 'A daemon takes the job when it carries all of these tags.' }),
  },
  { title: 'ProvisionerJob' },
)
export type ProvisionerJob = Static<typeof ProvisionerJob>

export const logSources = ['provisioner_daemon', 'provisioner'] as const
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** One line of a job's log. IDs grow over all jobs, so they can be used as cursors. */
export const ProvisionerJobLog = Type.Object(
  {
    id: Type.Integer(),
    created_at: Timestamp(),
    log_source: Choice(logSources),
    log_level: Choice(logLevels),
    stage: Type.String({ description: 'What the job was doing.' }),
    output: Type.String(),
  },
  { title: 'ProvisionerJobLog' },
)
export type ProvisionerJobLog = Static<typeof ProvisionerJobLog>

/** Query of every log endpoint. `follow` counts by its mere presence and asks for a WebSocket. */
export const LogQuery = Type.Object({
  before: Type.Optional(Type.Integer({ description: 'Only entries with a smaller ID.', refusedAs: 'Must be an integer' })),
  after: Type.Optional(Type.Integer({ description: 'Only entries with a greater ID.', refusedAs: 'Must be an integer' })),
  follow: Type.Optional(Type.String({ description: 'Present: upgrade to a WebSocket and stream entries until the job ends.' })),
})
export type LogQuery = Static<typeof LogQuery>
