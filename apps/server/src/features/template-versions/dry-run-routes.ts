import type { ProvisionerJob, dryRuns } from '@berth/schema'
import type { Clock } from '../../clock.ts'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { ResourcePresenter } from '../agents/present.ts'
import { presentJob } from '../provisioner-jobs/present.ts'
import type { JobRow } from '../provisioner-jobs/service.ts'
import type { DryRunService } from './dry-run-service.ts'

interface Dependencies {
  readonly service: DryRunService
  readonly resources: ResourcePresenter
  readonly clock: Clock
}

export function dryRunRoutes<Agent>({ service, resources, clock }: Dependencies): Handlers<typeof dryRuns, FoundByPath, Agent> {
  // Tags are strings, checked when the version was created.
  const present = (job: JobRow): ProvisionerJob => presentJob({ ...job, tags: job.tags as Record<string, string> }, clock.now())
  return {
    create: async ({ actor, templateversion, body }) => present(await service.create(actor, templateversion, body)),
    get: async ({ actor, templateversion, dryrun }) => {
      service.requireReadable(actor, templateversion, dryrun)
      return present(dryrun)
    },
    resources: async ({ actor, templateversion, dryrun }) => {
      service.requireReadable(actor, templateversion, dryrun)
      return resources.presentSorted(await service.resources(dryrun))
    },
    logs: async ({ actor, templateversion, dryrun, query, connection }) => {
      service.requireReadable(actor, templateversion, dryrun)
      return await service.answerLogs(dryrun, query, async () => await connection.acceptWebSocket((socket) => socket, { compress: true }))
    },
    cancel: async ({ actor, templateversion, dryrun }) => {
      service.requireReadable(actor, templateversion, dryrun)
      await service.cancel(actor, dryrun)
      return { message: 'Job has been marked as canceled...' }
    },
  }
}
