import { JOB_LOGS_CHANNEL } from '../database/channels.ts'
import { WakeUps } from '../database/wake-ups.ts'
import { FileService } from '../features/files/service.ts'
import { FileStore } from '../features/files/store.ts'
import { ParameterService } from '../features/parameters/service.ts'
import { ParameterStore } from '../features/parameters/store.ts'
import { JobService } from '../features/provisioner-jobs/service.ts'
import { JobStore } from '../features/provisioner-jobs/store.ts'
import { DryRunHandler } from '../features/template-versions/dry-run-handler.ts'
import { DryRunService } from '../features/template-versions/dry-run-service.ts'
import { ImportHandler } from '../features/template-versions/import-handler.ts'
import { TemplateVersionService } from '../features/template-versions/service.ts'
import { TemplateVersionStore } from '../features/template-versions/store.ts'
import { TemplateExamples } from '../features/template-versions/template-examples.ts'
import { TemplateService } from '../features/templates/service.ts'
import { StarterTemplates } from '../features/templates/starter-templates.ts'
import { TemplateStore } from '../features/templates/store.ts'
import { TemplateAccess } from '../features/templates/template-access.ts'
import { TemplateAccessStore } from '../features/templates/template-access-store.ts'
import { TemplateMetrics } from '../features/templates/template-metrics.ts'
import type { JobHandlers } from '../features/provisioner-jobs/job-handler.ts'
import { sealAgentValues } from '../secrets/agent-values.ts'
import { readPodNamespace } from '../settings/pod-namespace.ts'
import { agentTokens } from './agent-tokens.ts'
import type { Area, World } from './area.ts'
import type { PeopleServices } from './people.ts'

/**
 * Templates, their versions, files and parameters, and the queue of jobs for versions and builds.
 */
export interface TemplateServices {
  readonly files: FileService
  readonly parameters: ParameterService
  readonly jobs: JobService
  readonly jobStore: JobStore
  readonly examples: TemplateExamples
  readonly versions: TemplateVersionService
  readonly dryRuns: DryRunService
  readonly templateAccess: TemplateAccess
  readonly templates: TemplateService
  /** The handlers of jobs for template versions. */
  readonly versionHandlers: Pick<JobHandlers, 'template_version_import' | 'template_version_dry_run'>
}

export function composeTemplates(world: World, { audit, users }: Pick<PeopleServices, 'audit' | 'users'>): Area<TemplateServices> {
  const { config, database, pubsub, secrets, clock, logger, random, accessUrl } = world
  const queries = database.kysely
  const files = new FileService({ database, store: new FileStore(queries), clock, quota: config.fileQuota })
  const parameters = new ParameterService({ database, audit, store: new ParameterStore(queries, secrets), clock })
  const jobStore = new JobStore(queries)
  const logWakeUps = new WakeUps(pubsub, JOB_LOGS_CHANNEL)
  const jobs = new JobService({
    store: jobStore,
    clock,
    logWakeUps,
    sealToken: agentTokens(secrets).seal,
    sealValues: (agentId, values) => sealAgentValues(secrets, agentId, values),
  })
  const examples = new TemplateExamples(accessUrl)
  const versionStore = new TemplateVersionStore(queries)
  const versions = new TemplateVersionService({ database, store: versionStore, files, examples, jobs, parameters, audit, clock, random })
  const store = new TemplateStore(queries)
  const metrics = new TemplateMetrics({ store, clock, logger, refreshIntervalMs: config.metricsCacheRefreshIntervalMs })
  const templates = new TemplateService({ database, store, versions, parameters, metrics, audit, clock })
  const starterTemplates = new StarterTemplates({ ids: config.autoImportTemplates, files, versions, templates, readPodNamespace })
  users.onFirstUser(async (first) => await starterTemplates.import(first))
  const handled = { store: versionStore, jobs, files, users, parameters, accessUrl }
  return {
    services: {
      files,
      parameters,
      jobs,
      jobStore,
      examples,
      versions,
      dryRuns: new DryRunService({ database, store: versionStore, jobs, parameters }),
      templateAccess: new TemplateAccess({ database, store: new TemplateAccessStore(queries), audit, clock }),
      templates,
      versionHandlers: {
        template_version_import: new ImportHandler({ ...handled, clock }),
        template_version_dry_run: new DryRunHandler(handled),
      },
    },
    start: () => metrics.start(),
    async stop() {
      await metrics.stop()
      logWakeUps.close()
    },
  }
}
