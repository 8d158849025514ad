import type { AgentGitSSHKey } from '@berth/schema'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database } from '../../database/database.ts'
import type { UserRow } from '../../database/rows.ts'
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

/**
 * Manages users' SSH keys for git in workspaces. A user's key is created when it is first needed.
 */
export class GitSshKeyService {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  async get({ id }: Pick<UserRow, 'id'>): Promise<GitSshKeyRow> {
    const { store, algorithm } = this.#dependencies
    const known = await store.find(id)
    if (known !== undefined) return known
    await store.insert(id, await generateSshKeyPair(algorithm))
    const key = await store.find(id)
    if (key === undefined) throw new Error(`the git SSH key of user ${id} disappeared`)
    return key
  }

  async regenerate(actor: Actor, user: Pick<UserRow, 'id'>): Promise<GitSshKeyRow> {
    const { database, store, audit, clock, algorithm } = this.#dependencies
    await this.get(user)
    const pair = await generateSshKeyPair(algorithm)
    return await database.transaction(async (transaction) => {
      const keys = store.in(transaction)
      const before = await keys.lock(user.id)
      const after = await keys.replace(user.id, pair, timestamp(clock.now()))
      await audit.record(transaction, actor, {
        action: 'write',
        resource_type: 'git_ssh_key',
        resource_id: user.id,
        resource_target: after.public_key,
        before,
        after,
      })
      const { sealed_private_key: _sealed, ...key } = after
      return key
    })
  }

  /** Returns both halves, for the agents of a user's workspaces. */
  async getPair(userId: string): Promise<AgentGitSSHKey> {
    await this.get({ id: userId })
    const { publicKey, privateKey } = await this.#dependencies.store.getPair(userId)
    return { public_key: publicKey, private_key: privateKey }
  }
}
