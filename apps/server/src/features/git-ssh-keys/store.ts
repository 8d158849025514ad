import type { Selectable } from 'kysely'
import type { Queries } from '../../database/database.ts'
import type { GitsshkeysTable } from '../../database/tables.gen.ts'
import { placeOf, type SecretBox } from '../../secrets/secret-box.ts'
import type { SshKeyPair } from './generate-key-pair.ts'

/** A user's key with its sealed private half. */
type SealedKeyRow = Selectable<GitsshkeysTable>
/** A user's key without its private half. */
export type GitSshKeyRow = Omit<SealedKeyRow, 'sealed_private_key'>

const COLUMNS = ['user_id', 'created_at', 'updated_at', 'public_key'] as const

/** Git SSH keys in the database, their private halves sealed. */
export class GitSshKeyStore {
  readonly #queries: Queries
  readonly #secrets: SecretBox

  constructor(queries: Queries, secrets: SecretBox) {
    this.#queries = queries
    this.#secrets = secrets
  }

  in(queries: Queries): GitSshKeyStore {
    return new GitSshKeyStore(queries, this.#secrets)
  }

  async find(userId: string): Promise<GitSshKeyRow | undefined> {
    return await this.#queries.selectFrom('gitsshkeys').select(COLUMNS).where('user_id', '=', userId).executeTakeFirst()
  }

  /** Reads a key. Nobody else can replace it before the transaction ends. */
  async lock(userId: string): Promise<SealedKeyRow | undefined> {
    return await this.#queries.selectFrom('gitsshkeys').selectAll().where('user_id', '=', userId).forUpdate().executeTakeFirst()
  }

  async getPair(userId: string): Promise<SshKeyPair> {
    const row = await this.#queries
      .selectFrom('gitsshkeys')
      .select(['public_key', 'sealed_private_key'])
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow()
    return { publicKey: row.public_key, privateKey: this.#secrets.openText(row.sealed_private_key, placeOfKey(userId)) }
  }

  /**
   * Inserts a key, unless another request has. Its times are its user's, so that it looks as old as
   * the user (Coder v2 API, v0.13.4).
   */
  async insert(userId: string, pair: SshKeyPair): Promise<void> {
    await this.#queries
      .insertInto('gitsshkeys')
      .columns(['user_id', 'created_at', 'updated_at', 'public_key', 'sealed_private_key'])
      .expression((from) => {
        const { public_key, sealed_private_key } = this.#columnsOf(userId, pair)
        return from
          .selectFrom('users')
          .select((select) => [
            'id',
            'created_at',
            'created_at as updated_at',
            select.val(public_key).as('public_key'),
            select.val(sealed_private_key).as('sealed_private_key'),
          ])
          .where('id', '=', userId)
      })
      .onConflict((conflict) => conflict.column('user_id').doNothing())
      .execute()
  }

  async replace(userId: string, pair: SshKeyPair, now: string): Promise<SealedKeyRow> {
    return await this.#queries
      .updateTable('gitsshkeys')
      .set({ updated_at: now, ...this.#columnsOf(userId, pair) })
      .where('user_id', '=', userId)
      .returningAll()
      .executeTakeFirstOrThrow()
  }

  #columnsOf(userId: string, { publicKey, privateKey }: SshKeyPair): { public_key: string; sealed_private_key: Buffer } {
    return { public_key: publicKey, sealed_private_key: this.#secrets.sealText(privateKey, placeOfKey(userId)) }
  }
}

function placeOfKey(userId: string): string {
  return placeOf('gitsshkeys', 'sealed_private_key', userId)
}
