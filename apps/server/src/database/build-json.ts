import { sql, type RawBuilder } from 'kysely'
import { jobJson, resourcesJson, type StoredJob, type StoredResource } from './wire-json.ts'

/** A build with everything that is shown with it, except its workspace's names. */
export interface StoredBuild {
  readonly id: string
  readonly created_at: string
  readonly updated_at: string
  readonly workspace_id: string
  readonly template_version_id: string
  readonly template_version_name: string
  readonly build_number: number
  readonly transition: 'start' | 'stop' | 'delete'
  readonly initiator_id: string
  readonly initiator_name: string
  readonly reason: 'initiator' | 'autostart' | 'autostop'
  readonly deadline: string
  readonly daily_cost: number
  readonly job: StoredJob
  readonly resources: readonly StoredResource[]
}

/** The joins that {@link buildJson} needs. The build's alias is `build`. */
export const buildJoins = sql`
  join provisioner_jobs job on job.id = build.job_id
  join template_versions version on version.id = build.template_version_id
  join users initiator on initiator.id = build.initiator_id`

/** The build with the alias `build` and its joins, as a {@link StoredBuild}. */
export const buildJson: RawBuilder<StoredBuild> = sql`json_build_object(
  'id', build.id, 'created_at', wire_time(build.created_at), 'updated_at', wire_time(build.updated_at), 'workspace_id', build.workspace_id,
  'template_version_id', build.template_version_id, 'template_version_name', version.name, 'build_number', build.build_number,
  'transition', build.transition, 'initiator_id', build.initiator_id, 'initiator_name', initiator.username, 'reason', build.reason,
  'deadline', wire_time(build.deadline), 'daily_cost', build.daily_cost, 'job', ${jobJson('job')}, 'resources', ${resourcesJson('build.job_id')})`
