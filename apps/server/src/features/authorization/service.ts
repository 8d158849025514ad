import { Failure, type AuthorizationCheck, type AuthorizationObject, type AuthorizationRequest } from '@berth/schema'
import { parseUuid, WireValueError } from '@berth/schema/rules'
import { mayNamed, type AccessObject } from '../../access/may.ts'
import type { Actor } from '../../http/caller.ts'

/** The most objects that one request looks up (Coder v2 API, v0.13.4). */
const MAX_LOOKUPS = 10

/** Returns what access to an existing object depends on; undefined when it doesn't exist. */
export type FindAccess = (id: string) => Promise<Omit<AccessObject, 'type'> | undefined>

/** Tells callers what they may do, so that a user interface shows only what works. */
export class AuthorizationService {
  readonly #finders: ReadonlyMap<string, FindAccess>

  /** @param finders - The object types that can be checked by ID, each with its finder. */
  constructor({ finders }: { readonly finders: Readonly<Record<string, FindAccess>> }) {
    this.#finders = new Map(Object.entries(finders))
  }

  /** Throws `invalid_authorization_check` for the first malformed check. */
  async check(actor: Actor, { checks }: AuthorizationRequest): Promise<Record<string, boolean>> {
    const entries = Object.entries(checks)
    const lookups = entries.filter(([, { object }]) => isGiven(object.resource_id)).length
    if (lookups > MAX_LOOKUPS)
      throw new Failure('invalid_authorization_check', {
        message: `At most ${MAX_LOOKUPS} checks of a request may have a "resource_id"; this one has ${lookups}.`,
      })
    const answers: [string, boolean][] = []
    for (const [name, check] of entries) answers.push([name, await this.#isAllowed(actor, name, check)])
    // Unlike assignment, this treats `__proto__` as an ordinary name.
    return Object.fromEntries(answers)
  }

  async #isAllowed(actor: Actor, name: string, { object, action }: AuthorizationCheck): Promise<boolean> {
    if (object.resource_type === '')
      throw new Failure('invalid_authorization_check', { message: `The check ${JSON.stringify(name)} needs a "resource_type".` })
    const stored = isGiven(object.resource_id) ? await this.#find(object, object.resource_id) : asSupplied(actor, object)
    return stored !== undefined && mayNamed(actor.permissions, action, { ...stored, type: object.resource_type })
  }

  async #find({ resource_type }: AuthorizationObject, resourceId: string): Promise<Omit<AccessObject, 'type'> | undefined> {
    const id = idOf(resourceId)
    const find = this.#finders.get(resource_type)
    if (find === undefined)
      throw new Failure('invalid_authorization_check', {
        message: `Objects of type ${JSON.stringify(resource_type)} can't be checked by ID.`,
        validations: [{ field: 'resource_type', detail: `Use one of ${[...this.#finders.keys()].join(', ')}.` }],
      })
    return await find(id)
  }
}

function isGiven(text: string | undefined): text is string {
  return text !== undefined && text !== ''
}

function asSupplied(actor: Actor, { owner_id, organization_id }: AuthorizationObject): Omit<AccessObject, 'type'> {
  return { owner_id: owner_id === 'me' ? actor.user_id : (owner_id ?? null), organization_id: organization_id ?? null }
}

function idOf(text: string): string {
  try {
    return parseUuid(text)
  } catch (error) {
    if (!(error instanceof WireValueError)) throw error
    throw new Failure('invalid_authorization_check', {
      message: `The "resource_id" ${JSON.stringify(text)} isn't a UUID.`,
      validations: [{ field: 'resource_id', detail: error.message }],
      cause: error,
    })
  }
}
