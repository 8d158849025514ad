import { advisoryLockNumber } from '../database/advisory-lock.ts'
import { replicaLockName } from '../features/provisioner-jobs/lease-loop.ts'
import { RelayDialer } from '../replicas/relay-dialer.ts'
import { freshRelaySecret, relayKey } from '../replicas/relay-proof.ts'
import { ReplicaPresence } from '../replicas/replica-presence.ts'
import { ReplicaStore } from '../replicas/store.ts'
import { placeOf } from '../secrets/secret-box.ts'
import { version } from '../version.ts'
import type { Area, World } from './area.ts'

/** How this replica reaches the others, and they know of it. */
export interface ReplicaServices {
  readonly relayDialer: RelayDialer
  /** Returns the key by which the replicas of the deployment recognize each other. */
  readonly relayKey: () => Promise<Buffer>
}

const SECRET_PLACE = placeOf('replica_relay_secret', 'sealed_secret', 'true')

export function composeReplicas({ database, secrets, clock, logger, replicaId, relayUrl }: World): Area<ReplicaServices> {
  const store = new ReplicaStore(database.kysely)
  const lockNumber = advisoryLockNumber(replicaLockName(replicaId))
  const presence = new ReplicaPresence({
    store,
    clock,
    logger,
    replica: { id: replicaId, relay_url: relayUrl ?? null, lock_number: lockNumber, version },
  })
  const readKey = async (): Promise<Buffer> =>
    relayKey(secrets.open(await store.sealedSecret(secrets.seal(freshRelaySecret(), SECRET_PLACE)), SECRET_PLACE))
  let key: Promise<Buffer> | undefined
  const sharedKey = async (): Promise<Buffer> => {
    key ??= readKey()
    try {
      return await key
    } catch (error) {
      key = undefined
      throw error
    }
  }
  const relayDialer = new RelayDialer({ replicaId, clock, logger, key: sharedKey })
  return {
    services: { relayDialer, relayKey: sharedKey },
    start: async () => await presence.start(),
    async release() {
      await Promise.all([presence.stop(), relayDialer.close()])
    },
  }
}
