import { ZERO_TIME } from '@berth/schema/rules'
import { timestamp } from '../../clock.ts'
import type { Queries } from '../../database/database.ts'
import { placeOf, type SecretBox } from '../../secrets/secret-box.ts'
import type { OAuthToken } from './oauth-client.ts'

/** Identifies a user's token at a provider. */
export interface LinkKey {
  readonly providerId: string
  readonly userId: string
}

/** Users' sealed git host tokens in the database. */
export class GitAuthStore {
  readonly #queries: Queries
  readonly #secrets: SecretBox

  constructor(queries: Queries, secrets: SecretBox) {
    this.#queries = queries
    this.#secrets = secrets
  }

  in(queries: Queries): GitAuthStore {
    return new GitAuthStore(queries, this.#secrets)
  }

  async find(link: LinkKey): Promise<OAuthToken | undefined> {
    const row = await this.#queries
      .selectFrom('git_auth_links')
      .select(['sealed_access_token', 'sealed_refresh_token', 'expiry'])
      .where('provider_id', '=', link.providerId)
      .where('user_id', '=', link.userId)
      .executeTakeFirst()
    if (row === undefined) return undefined
    return {
      accessToken: this.#secrets.openText(row.sealed_access_token, placeOfToken('sealed_access_token', link)),
      refreshToken: this.#secrets.openText(row.sealed_refresh_token, placeOfToken('sealed_refresh_token', link)),
      expiresAt: row.expiry === ZERO_TIME ? undefined : new Date(row.expiry),
    }
  }

  async put(link: LinkKey, token: OAuthToken, now: string): Promise<void> {
    const columns = {
      updated_at: now,
      sealed_access_token: this.#secrets.sealText(token.accessToken, placeOfToken('sealed_access_token', link)),
      sealed_refresh_token: this.#secrets.sealText(token.refreshToken, placeOfToken('sealed_refresh_token', link)),
      expiry: token.expiresAt === undefined ? ZERO_TIME : timestamp(token.expiresAt),
    }
    await this.#queries
      .insertInto('git_auth_links')
      .values({ provider_id: link.providerId, user_id: link.userId, created_at: now, ...columns })
      .onConflict((conflict) => conflict.columns(['provider_id', 'user_id']).doUpdateSet(columns))
      .execute()
  }
}

function placeOfToken(column: 'sealed_access_token' | 'sealed_refresh_token', { providerId, userId }: LinkKey): string {
  return placeOf('git_auth_links', column, providerId, userId)
}
