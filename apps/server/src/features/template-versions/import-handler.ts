import type { Job, JobUpdate } from '@berth/provisioner'
import { timestamp, type Clock } from '../../clock.ts'
import type { Transaction } from '../../database/database.ts'
import type { FileService } from '../files/service.ts'
import { jobValue } from '../parameters/present.ts'
import type { ParameterService } from '../parameters/service.ts'
import type { JobCompletion, JobHandler, JobRow, JobService } from '../provisioner-jobs/service.ts'
import type { UserService } from '../users/service.ts'
import type { TemplateVersionStore } from './store.ts'

interface Dependencies {
  readonly store: TemplateVersionStore
  readonly jobs: JobService
  readonly files: FileService
  readonly users: UserService
  readonly parameters: ParameterService
  readonly clock: Clock
  readonly accessUrl: string
}

/** Handles imports of template versions: stores their README, parameters and resources. */
export class ImportHandler implements JobHandler {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  async prepare(job: JobRow): Promise<Job> {
    const { files, users, accessUrl } = this.#dependencies
    const [archive, initiator] = await Promise.all([files.getData(job.file_id), users.resolve(job.initiator_id, undefined)])
    return {
      id: job.id,
      type: 'template_version_import',
      provisioner: job.provisioner,
      archive,
      user_name: initiator.username,
      metadata: { access_url: accessUrl },
    }
  }

  async update(transaction: Transaction, job: JobRow, update: JobUpdate): ReturnType<NonNullable<JobHandler['update']>> {
    const { store, parameters, clock } = this.#dependencies
    if (update.readme !== undefined)
      await store.in(transaction).setReadme(job.id, update.readme.replaceAll('\0', ''), timestamp(clock.now()))
    if (update.parameter_schemas === undefined) return {}
    await parameters.insertSchemas(transaction, job.id, update.parameter_schemas)
    const version = await store.in(transaction).findByJob(job.id)
    const computed = await parameters.compute({ importJobId: job.id, templateId: version?.template_id ?? null }, transaction)
    return {
      parameter_values: computed.map(jobValue),
    }
  }

  async completed(transaction: Transaction, job: JobRow, { result, redaction }: JobCompletion): Promise<void> {
    if (result.type !== 'template_version_import') throw new Error(`an import can't end as ${result.type}`)
    const { jobs } = this.#dependencies
    await jobs.insertResources(transaction, { jobId: job.id, transition: 'start', resources: result.start_resources, redaction })
    await jobs.insertResources(transaction, { jobId: job.id, transition: 'stop', resources: result.stop_resources, redaction })
  }

  async failed(): Promise<void> {
    // The queue stores the job's error, and nothing else depends on it.
  }
}
