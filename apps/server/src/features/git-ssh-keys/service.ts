import type { AgentGitSSHKey } from '@berth/schema'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import type { UserRow } from '../../found.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import { generateSshKeyPair, type SshKeyAlgorithm } from './generate-key-pair.ts'
import type { GitSshKeyRow, GitSshKeyStore } from './store.ts'

interface Dependencies {
  readonly database: Database
  readonly store: GitSshKeyStore
  readonly audit: AuditService
  readonly clock: Clock
  readonly algorithm: SshKeyAlgorithm
}

/** The keys with which git in workspaces signs in over SSH. Everybody has one: it is made when it is first asked for. */
export class GitSshKeyService {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  async get({ id }: Pick<UserRow, 'id'>): Promise<GitSshKeyRow> {
    const { store, clock, algorithm } = this.#dependencies
    const known = await store.find(id)
    if (known !== undefined) return known
    await store.insert(id, await generateSshKeyPair(algorithm), timestamp(clock.now()))
    return await this.#require(store, id)
  }

  async regenerate(actor: Actor, user: Pick<UserRow, 'id'>): Promise<GitSshKeyRow> {
    const { database, store, audit, clock, algorithm } = this.#dependencies
    await this.get(user)
    const pair = await generateSshKeyPair(algorithm)
    return await database.transaction(async (transaction) => {
      const keys = store.in(transaction)
      const before = await keys.lock(user.id)
      await keys.replace(user.id, pair, timestamp(clock.now()))
      const after = await this.#require(keys, user.id)
      await audit.record(transaction, actor, {
        action: 'write',
        resource_type: 'git_ssh_key',
        resource_id: user.id,
        resource_target: after.public_key,
        ...(before !== undefined && { before: { user_id: before.user_id, public_key: before.public_key } }),
        after: { user_id: after.user_id, public_key: after.public_key },
      })
      return after
    })
  }

  /** Both halves, for the agents of a user's workspaces. */
  async getPair(userId: string): Promise<AgentGitSSHKey> {
    await this.get({ id: userId })
    const { publicKey, privateKey } = await this.#dependencies.store.getPair(userId)
    return { public_key: publicKey, private_key: privateKey }
  }

  async #require(store: GitSshKeyStore, userId: string): Promise<GitSshKeyRow> {
    const key = await store.find(userId)
    if (key === undefined) throw new Error(`the git SSH key of ${userId} is gone`)
    return key
  }
}
