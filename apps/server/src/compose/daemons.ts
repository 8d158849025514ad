import { randomUUID } from 'node:crypto'
import { provisionerTypes } from '@berth/schema'
import { timestamp } from '../clock.ts'
import { QUEUE_CHANNEL } from '../database/channels.ts'
import type { JobHandlers } from '../features/provisioner-jobs/job-handler.ts'
import { JobLease } from '../features/provisioner-jobs/job-lease.ts'
import { BUILT_IN_TAGS, ProvisionerDaemon } from '../features/provisioner-jobs/provisioner-daemon.ts'
import type { JobStore } from '../features/provisioner-jobs/store.ts'
import type { World } from './area.ts'

/** How often a built-in daemon reports on its job (Coder v2 API, v0.13.4). */
const HEARTBEAT_INTERVAL_MS = 500
/** Daemons are woken when a job comes; they poll only in case a wake-up is lost. */
const MIN_POLL_INTERVAL_MS = 50

interface Jobs {
  readonly store: JobStore
  readonly handlers: JobHandlers
}

/**
 * Composes the built-in provisioner daemons, and the lease that fails the jobs of daemons that went
 * silent.
 */
export function composeDaemons(world: World, jobs: Jobs): { start(): Promise<void>; stop(): Promise<void> } {
  const { config, database, pubsub, clock, logger, replicaId } = world
  const lease = new JobLease({ ...jobs, replicaId, database, clock, logger })
  const daemons = Array.from({ length: config.provisionerDaemons }, (_, index) => createDaemon(world, jobs, index))
  const stopListening = pubsub.subscribe(QUEUE_CHANNEL, () => {
    for (const { daemon } of daemons) daemon.wake()
  })
  return {
    async start() {
      const now = timestamp(clock.now())
      const row = { provisioners: provisionerTypes, tags: BUILT_IN_TAGS, replica_id: replicaId, now }
      for (const { id, name } of daemons) await jobs.store.insertDaemon({ id, name, ...row })
      await lease.tick()
      lease.start()
      for (const { daemon } of daemons) daemon.start()
    },
    async stop() {
      stopListening()
      await Promise.all([lease.stop(), ...daemons.map(async ({ daemon }) => await daemon.stop())])
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
    pollIntervalMs: Math.max(MIN_POLL_INTERVAL_MS, config.provisionerPollIntervalMs),
    heartbeatIntervalMs: HEARTBEAT_INTERVAL_MS,
    forceCancelIntervalMs: config.forceCancelIntervalMs,
  })
  return { id, name: `built-in ${index}`, daemon }
}
