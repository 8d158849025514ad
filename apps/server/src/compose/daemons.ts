import { randomUUID } from 'node:crypto'
import { provisionerTypes } from '@berth/schema'
import { timestamp } from '../clock.ts'
import { QUEUE_CHANNEL } from '../database/channels.ts'
import type { JobHandlers } from '../features/provisioner-jobs/job-handler.ts'
import { LeaseLoop } from '../features/provisioner-jobs/lease-loop.ts'
import { BUILT_IN_TAGS, ProvisionerDaemon } from '../features/provisioner-jobs/provisioner-daemon.ts'
import type { JobStore } from '../features/provisioner-jobs/store.ts'
import type { World } from './area.ts'

interface Jobs {
  readonly store: JobStore
  readonly handlers: JobHandlers
}

/**
 * Composes the built-in provisioner daemons, and the loop that fails the jobs of daemons that went
 * silent.
 */
export function composeDaemons(world: World, jobs: Jobs): { start(): Promise<void>; stop(): Promise<void> } {
  const { config, database, pubsub, clock, logger, replicaId } = world
  const leases = new LeaseLoop({ ...jobs, replicaId, database, clock, logger })
  const daemons = Array.from({ length: config.provisionerDaemons }, (_, index) => createDaemon(world, jobs, index))
  const stopListening = pubsub.subscribe(QUEUE_CHANNEL, () => {
    for (const { daemon } of daemons) daemon.wake()
  })
  return {
    async start() {
      const now = timestamp(clock.now())
      const row = { provisioners: provisionerTypes, tags: BUILT_IN_TAGS, replica_id: replicaId, now }
      for (const { id, name } of daemons) await jobs.store.insertDaemon({ id, name, ...row })
      await leases.tick()
      leases.start()
      for (const { daemon } of daemons) daemon.start()
    },
    async stop() {
      stopListening()
      await Promise.all([leases.stop(), ...daemons.map(async ({ daemon }) => await daemon.stop())])
    },
  }
}

function createDaemon(world: World, jobs: Jobs, index: number): { id: string; name: string; daemon: ProvisionerDaemon } {
  const { config, database, clock, logger, drivers, workDirectory } = world
  const id = randomUUID()
  const daemon = new ProvisionerDaemon({
    id,
    ...jobs,
    drivers,
    database,
    clock,
    logger: logger.child({ daemon: index }),
    workDirectory,
    pollIntervalMs: config.provisionerPollIntervalMs,
    forceCancelIntervalMs: config.forceCancelIntervalMs,
  })
  return { id, name: `built-in ${index}`, daemon }
}
