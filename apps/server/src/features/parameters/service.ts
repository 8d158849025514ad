import { randomUUID } from 'node:crypto'
import { Failure, maxParameterNameLength, type CreateParameterRequest, type CreateScopedParameterRequest } from '@berth/schema'
import { ReportRefused, type JobUpdate } from '@berth/provisioner'
import { NIL_UUID, truncateRunes } from '@berth/schema/rules'
import { timestamp, type Clock } from '../../clock.ts'
import type { Database, Transaction } from '../../database/database.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import { computeParameters, type Computation, type ParameterSchemaRow, type ParameterValueRow } from './compute-parameters.ts'
import type { NewParameterValue, ParameterStore } from './store.ts'

export type { Computation, ParameterSchemaRow } from './compute-parameters.ts'

/** The scopes whose values are computed. */
export interface ParameterScopes {
  readonly importJobId: string
  readonly templateId?: string | null
  readonly workspaceId?: string
}

interface Dependencies {
  readonly database: Database
  readonly store: ParameterStore
  readonly audit: AuditService
  readonly clock: Clock
}

/** A template, template version or workspace that has parameter values. */
export interface ValueOwner {
  readonly scope: ParameterValueRow['scope']
  /** For a template version, the ID of its import job. */
  readonly id: string
  /** How the audit log identifies it. */
  readonly audited: {
    readonly resource_type: string
    readonly resource_id: string
    readonly resource_target: string
    readonly organization_id: string
  }
}

/** The parameters of templates, and their values in templates, template versions and workspaces. */
export class ParameterService {
  readonly #store: ParameterStore
  readonly #clock: Clock
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
    this.#store = dependencies.store
    this.#clock = dependencies.clock
  }

  /** Returns the values of an owner, sorted by name. */
  async list({ scope, id }: ValueOwner): Promise<ParameterValueRow[]> {
    const rows = await this.#store.listValues([id])
    return rows.filter((row) => row.scope === scope).toSorted((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** Throws `name_taken`. */
  async create(actor: Actor, owner: ValueOwner, request: CreateScopedParameterRequest): Promise<ParameterValueRow> {
    const now = timestamp(this.#clock.now())
    const { name, source_scheme, source_value, destination_scheme } = request
    const value = { name, source_scheme, source_value, destination_scheme }
    const row = { id: randomUUID(), created_at: now, updated_at: now, scope: owner.scope, scope_id: owner.id, ...value }
    await this.#dependencies.database.transaction(async (transaction) => {
      if (!(await this.#store.in(transaction).insert(row)))
        throw new Failure('name_taken', {
          message: `The parameter ${JSON.stringify(name)} already has a value.`,
          validations: [{ field: 'name', detail: 'This value is already in use and should be unique.' }],
        })
      await this.#dependencies.audit.record(transaction, actor, {
        ...owner.audited,
        action: 'write',
        row_type: 'parameter_value',
        after: { parameter: name },
        status_code: 201,
      })
    })
    return row
  }

  /** Throws `not_found`, and `validation_failed` if the parameter of a workspace is immutable. */
  async delete(actor: Actor, owner: ValueOwner, name: string): Promise<void> {
    if (owner.scope === 'workspace' && (await this.#store.isKept(owner.id, name)))
      throw new Failure('validation_failed', { validations: [{ field: 'name', detail: keptText(name) }] })
    await this.#dependencies.database.transaction(async (transaction) => {
      if (!(await this.#store.in(transaction).delete({ scope: owner.scope, scope_id: owner.id }, name))) throw new Failure('not_found')
      const before = { parameter: name }
      await this.#dependencies.audit.record(transaction, actor, { ...owner.audited, action: 'write', row_type: 'parameter_value', before })
    })
  }

  async listSchemas(importJobId: string): Promise<ParameterSchemaRow[]> {
    return await this.#store.listSchemas(importJobId)
  }

  /** @param transaction The transaction to read in, if it has stored schemas. */
  async compute(scopes: ParameterScopes, transaction?: Transaction): Promise<Computation[]> {
    const store = transaction === undefined ? this.#store : this.#store.in(transaction)
    const scopeIds = [scopes.importJobId, scopes.templateId, scopes.workspaceId].filter((id) => id !== undefined && id !== null)
    const schemas = await store.listSchemas(scopes.importJobId)
    const values = await store.listValues(scopeIds)
    return computeParameters(schemas, values)
  }

  /**
   * Stores the schemas of a template version. Throws {@link ReportRefused} for a name that is
   * declared twice or too long.
   */
  async insertSchemas(transaction: Transaction, jobId: string, schemas: NonNullable<JobUpdate['parameter_schemas']>): Promise<void> {
    const names = schemas.map(({ name }) => name)
    const repeated = names.find((name, index) => names.indexOf(name) !== index)
    if (repeated !== undefined) throw new ReportRefused(`the parameter ${JSON.stringify(repeated)} is declared twice`)
    const long = names.find(isTooLong)
    if (long !== undefined) throw new ReportRefused(`the name of the parameter ${JSON.stringify(long)} ${NAME_LIMIT}`)
    const created_at = timestamp(this.#clock.now())
    const rows = schemas.map((schema, index) => ({
      ...schema,
      mutable: schema.mutable ?? true,
      id: randomUUID(),
      created_at,
      job_id: jobId,
      index,
      default_refresh: '',
    }))
    await this.#store.in(transaction).insertSchemas(rows)
  }

  /**
   * Resolves values that copy another value, even a secret one. The source must have been given to
   * the import of a version of the same template. Throws `validation_failed` otherwise.
   */
  async resolveCopies(values: readonly CreateParameterRequest[], templateId: string | undefined): Promise<CreateParameterRequest[]> {
    return await Promise.all(
      values.map(async (value, index) => {
        const { copy_from_parameter: id } = value
        if (id === undefined || id === NIL_UUID) return value
        const source = templateId === undefined ? undefined : await this.#store.findOfImport(id, templateId)
        if (source === undefined) {
          const field = `parameter_values[${index}].copy_from_parameter`
          throw new Failure('validation_failed', {
            validations: [{ field, detail: 'No version of this template was imported with this value' }],
          })
        }
        return source
      }),
    )
  }

  /**
   * Stores the values that a build gives to a workspace. An immutable parameter keeps the value of
   * the first build that had one, even a default. Throws `validation_failed` for any other value.
   */
  async setWorkspaceValues(
    transaction: Transaction,
    scopes: ParameterScopes & { readonly workspaceId: string },
    values: readonly CreateParameterRequest[],
  ): Promise<void> {
    const workspace = { scope: 'workspace', id: scopes.workspaceId } as const
    const schemas = await this.#store.in(transaction).listSchemas(scopes.importJobId)
    const kept = new Set(schemas.filter(({ mutable }) => !mutable).map(({ name }) => name))
    if (kept.size > 0) {
      const own = await this.#store.in(transaction).listValues([scopes.workspaceId])
      const current = new Map(own.map(({ name, source_value }) => [name, source_value]))
      const validations = values.flatMap(({ name, source_value }, index) =>
        kept.has(name) && current.has(name) && current.get(name) !== source_value
          ? [{ field: `parameter_values[${index}].source_value`, detail: keptText(name) }]
          : [],
      )
      if (validations.length > 0) throw new Failure('validation_failed', { validations })
    }
    await this.setValues(transaction, workspace, values)
    if (kept.size === 0) return
    const computed = await this.compute(scopes, transaction)
    const settled = computed.filter(({ name, scope }) => kept.has(name) && scope !== 'workspace')
    await this.setValues(transaction, workspace, settled)
  }

  /**
   * Stores the values of a dry run, without validating them (Coder v2 API, v0.13.4). Leaves out
   * unknown names, and replaces unknown schemes by `none`. Of several values with one name, the
   * last counts.
   */
  async setDryRunValues(
    transaction: Transaction,
    { importJobId, workspaceId }: ParameterScopes & { readonly workspaceId: string },
    values: readonly CreateParameterRequest[],
  ): Promise<void> {
    const store = this.#store.in(transaction)
    const names = new Set((await store.listSchemas(importJobId)).map(({ name }) => name))
    const known = values
      .filter(({ name }) => names.has(name))
      .map(({ name, source_value, source_scheme, destination_scheme }) => ({
        name,
        source_value,
        source_scheme: SOURCE_SCHEMES.includes(source_scheme) ? source_scheme : 'none',
        destination_scheme: DESTINATION_SCHEMES.includes(destination_scheme) ? destination_scheme : 'none',
      }))
    await store.setValues({ scope: 'workspace', scope_id: workspaceId, now: timestamp(this.#clock.now()) }, known)
  }

  /** Deletes all values of a scope. */
  async deleteScope(transaction: Transaction, scopeId: string): Promise<void> {
    await this.#store.in(transaction).deleteScope(scopeId)
  }

  /** Stores values for a scope. Names must be distinct. Throws `validation_failed`. */
  async setValues(
    transaction: Transaction,
    scope: { readonly scope: 'import_job' | 'template' | 'workspace'; readonly id: string },
    values: readonly CreateParameterRequest[],
  ): Promise<void> {
    await this.#store
      .in(transaction)
      .setValues({ scope: scope.scope, scope_id: scope.id, now: timestamp(this.#clock.now()) }, checkedValues(values))
  }
}

function keptText(name: string): string {
  return `The parameter "${name}" can't be changed after the workspace was created`
}

const NAME_LIMIT = `has more than ${maxParameterNameLength} characters`

function isTooLong(name: string): boolean {
  return truncateRunes(name, maxParameterNameLength) !== name
}

const SOURCE_SCHEMES: readonly string[] = ['none', 'data']
const DESTINATION_SCHEMES: readonly string[] = ['none', 'environment_variable', 'provisioner_variable']

/**
 * Checks values that the database would refuse. Reading a body does not validate elements of
 * arrays.
 */
function checkedValues(values: readonly CreateParameterRequest[]): NewParameterValue[] {
  const seen = new Set<string>()
  const isRepeated = (name: string): boolean => {
    const { size } = seen
    return seen.add(name).size === size
  }
  const validations = values.flatMap(({ name, source_scheme, destination_scheme }, index) => {
    const field = `parameter_values[${index}]`
    return [
      ...(isTooLong(name) ? [{ field: `${field}.name`, detail: `The name ${NAME_LIMIT}` }] : []),
      ...(isRepeated(name) ? [{ field: `${field}.name`, detail: `The parameter "${name}" is given twice` }] : []),
      ...(SOURCE_SCHEMES.includes(source_scheme)
        ? []
        : [{ field: `${field}.source_scheme`, detail: `Must be one of ${SOURCE_SCHEMES.join(', ')}` }]),
      ...(DESTINATION_SCHEMES.includes(destination_scheme)
        ? []
        : [{ field: `${field}.destination_scheme`, detail: `Must be one of ${DESTINATION_SCHEMES.join(', ')}` }]),
    ]
  })
  if (validations.length > 0) throw new Failure('validation_failed', { validations })
  return values.map(({ name, source_scheme, source_value, destination_scheme }) => ({
    name,
    source_scheme,
    source_value,
    destination_scheme,
  }))
}
