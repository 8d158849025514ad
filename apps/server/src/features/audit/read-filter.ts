import { Failure, auditActions, searchableResourceTypes, type AuditAction, type Validation } from '@berth/schema'
import { SearchError, WireValueError, parseSearch, parseUuid } from '@berth/schema/rules'

/** The filter of a list of entries. Absent fields match everything. */
export interface AuditFilter {
  readonly resource_type?: string
  readonly resource_id?: string
  readonly action?: AuditAction
  /** In lower case, like the address. */
  readonly username?: string
  readonly email?: string
  /** The first instant to include: the start of a day. */
  readonly from?: string
  /** The last instant to include: the end of a day. */
  readonly until?: string
}

/** The actions that a search can name (Coder v2 API, v0.13.4). */
const SEARCHABLE_ACTIONS: readonly AuditAction[] = ['create', 'write', 'delete']
const DATE = /^\d{4}-\d{2}-\d{2}$/

/**
 * Parses the search `q`. Unknown words and invalid dates match everything (Coder v2 API, v0.13.4).
 *
 * @throws Failure `invalid_search`
 */
export function readFilter(q: string): AuditFilter {
  const words = searchWords(q)
  const word = (key: string): string | undefined => words.get(key)
  const id = word('resource_id')
  const from = dateOf(word('date_from'))
  const to = dateOf(word('date_to'))
  if (from !== undefined && to !== undefined && to < from)
    throw refusal({ field: 'q', detail: `date_to ${day(to)} is before date_from ${day(from)}` })
  return {
    ...defined(
      'resource_type',
      searchableResourceTypes.find((known) => known === word('resource_type')),
    ),
    ...defined('resource_id', id === undefined ? undefined : uuidOf(id)),
    ...defined(
      'action',
      auditActions.find((known) => known === word('action') && SEARCHABLE_ACTIONS.includes(known)),
    ),
    ...defined('username', word('username')),
    ...defined('email', word('email')),
    ...defined('from', from === undefined ? undefined : `${day(from)}T00:00:00Z`),
    ...defined('until', to === undefined ? undefined : `${day(to)}T23:59:59.999999Z`),
  }
}

function searchWords(q: string): ReadonlyMap<string, string> {
  try {
    return parseSearch(q, 'resource_type')
  } catch (error) {
    if (!(error instanceof SearchError)) throw error
    throw refusal({ field: 'q', detail: error.message }, error)
  }
}

function uuidOf(text: string): string {
  try {
    return parseUuid(text)
  } catch (error) {
    if (!(error instanceof WireValueError)) throw error
    throw refusal({ field: 'resource_id', detail: `Query param "resource_id" must be a valid UUID (${error.message})` }, error)
  }
}

/** Returns the start of a day; undefined for text that isn't a date. */
function dateOf(text: string | undefined): number | undefined {
  if (text === undefined || !DATE.test(text)) return undefined
  const start = Date.parse(`${text}T00:00:00Z`)
  // Date.parse reads 30 February as a day in March. PostgreSQL has no year zero.
  return Number.isNaN(start) || day(start) !== text || text.startsWith('0000') ? undefined : start
}

function day(start: number): string {
  return new Date(start).toISOString().slice(0, 10)
}

function refusal(validation: Validation, cause?: unknown): Failure {
  return new Failure('invalid_search', { message: 'Invalid audit search query.', validations: [validation], cause })
}

function defined<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  // The result has at most this one key.
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value }
}
