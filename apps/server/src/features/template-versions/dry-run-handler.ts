import type { Job } from '@berth/provisioner'
import type { Transaction } from '../../database/database.ts'
import type { FileService } from '../files/service.ts'
import { jobValue } from '../parameters/present.ts'
import type { ParameterService } from '../parameters/service.ts'
import type { JobCompletion, JobHandler, JobRow, JobService } from '../provisioner-jobs/service.ts'
import type { UserService } from '../users/service.ts'
import { readInput } from './dry-run-service.ts'
import type { TemplateVersionStore } from './store.ts'

interface Dependencies {
  readonly store: TemplateVersionStore
  readonly jobs: JobService
  readonly files: FileService
  readonly users: UserService
  readonly parameters: ParameterService
  readonly accessUrl: string
}

/** Handles dry runs: stores their resources and deletes the values they were given. */
export class DryRunHandler implements JobHandler {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  async prepare(job: JobRow): Promise<Job> {
    const { store, files, users, parameters, accessUrl } = this.#dependencies
    const { template_version_id, workspace_name } = readInput(job)
    const version = await store.findById(template_version_id)
    if (version === undefined) throw new Error(`the template version ${template_version_id} is gone`)
    const [archive, initiator, computed] = await Promise.all([
      files.getData(job.file_id),
      users.resolve(job.initiator_id, undefined),
      parameters.compute({ importJobId: version.job_id, templateId: version.template_id, workspaceId: job.id }),
    ])
    return {
      id: job.id,
      type: 'template_version_dry_run',
      provisioner: job.provisioner,
      archive,
      user_name: initiator.username,
      parameter_values: computed.map(jobValue),
      metadata: { access_url: accessUrl, workspace_name },
    }
  }

  async completed(transaction: Transaction, job: JobRow, { result, redaction }: JobCompletion): Promise<void> {
    if (result.type !== 'template_version_dry_run') throw new Error(`a dry run can't end as ${result.type}`)
    const { jobs, parameters } = this.#dependencies
    await jobs.insertResources(transaction, { jobId: job.id, transition: 'start', resources: result.resources, redaction })
    await parameters.deleteScope(transaction, job.id)
  }

  async failed(transaction: Transaction, job: JobRow): Promise<void> {
    await this.#dependencies.parameters.deleteScope(transaction, job.id)
  }
}
