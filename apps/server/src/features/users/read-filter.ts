import { Failure } from '@berth/schema'
import { SearchError, parseSearch } from '@berth/schema/rules'
import type { UserRow } from '../../database/rows.ts'

/** The filter of a list of users. All of its parts must match. */
export interface UserFilter {
  /** Part of a username or an e-mail address; `%` and `_` are wildcards. */
  readonly search: string
  /** Matches any of these; empty matches all. */
  readonly statuses: readonly UserRow['status'][]
  /** Matches any of these; empty matches all. */
  readonly roles: readonly string[]
}

const STATUSES: readonly UserRow['status'][] = ['active', 'suspended']

/**
 * Parses the search of a list of users (Coder v2 API, v0.13.4).
 *
 * @throws Failure `invalid_user_search` that names the field.
 */
export function readFilter(query: string): UserFilter {
  const words = searchWords(query)
  const roles = listOf(words.get('role'))
  return {
    search: words.get('search') ?? '',
    statuses: listOf(words.get('status')).map(statusOf),
    // Every user is a member, so a search for members alone matches everyone.
    roles: roles.every((role) => role === 'member') ? [] : roles,
  }
}

function searchWords(query: string): ReadonlyMap<string, string> {
  try {
    return parseSearch(query, 'search')
  } catch (error) {
    if (!(error instanceof SearchError)) throw error
    throw new Failure('invalid_user_search', { validations: [{ field: 'q', detail: error.message }], cause: error })
  }
}

function listOf(text = ''): string[] {
  return text.split(',').filter((word) => word !== '')
}

function statusOf(word: string): UserRow['status'] {
  const status = STATUSES.find((known) => known === word)
  if (status !== undefined) return status
  const detail = `Query param "status" has invalid value: ${JSON.stringify(word)} is not a valid user status`
  throw new Failure('invalid_user_search', { validations: [{ field: 'status', detail }] })
}
