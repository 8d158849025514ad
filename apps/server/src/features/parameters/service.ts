import { randomUUID } from 'node:crypto'
import { Failure, type CreateParameterRequest } from '@berth/schema'
import { ReportRefused, type JobUpdate } from '@berth/provisioner'
import { NIL_UUID } from '@berth/schema/rules'
import { timestamp, type Clock } from '../../clock.ts'
import type { Transaction } from '../../database/database.ts'
import { computeParameters, type Computation, type ParameterSchemaRow } from './compute-parameters.ts'
import type { NewParameterValue, ParameterStore } from './store.ts'

export type { Computation, ParameterSchemaRow } from './compute-parameters.ts'

/** Whose values a job is computed from. */
export interface ParameterScopes {
  readonly importJobId: string
  readonly templateId?: string | null
  readonly workspaceId?: string
}

/** The parameters of templates and the values that templates, versions and workspaces give them. */
export class ParameterService {
  readonly #store: ParameterStore
  readonly #clock: Clock

  constructor({ store, clock }: { readonly store: ParameterStore; readonly clock: Clock }) {
    this.#store = store
    this.#clock = clock
  }

  async listSchemas(importJobId: string): Promise<ParameterSchemaRow[]> {
    return await this.#store.listSchemas(importJobId)
  }

  /** @param transaction Where schemas were stored that others do not see yet. */
  async compute(scopes: ParameterScopes, transaction?: Transaction): Promise<Computation[]> {
    const store = transaction === undefined ? this.#store : this.#store.in(transaction)
    const scopeIds = [scopes.importJobId, scopes.templateId, scopes.workspaceId].filter((id) => id !== undefined && id !== null)
    const schemas = await store.listSchemas(scopes.importJobId)
    const values = await store.listValues(scopeIds)
    return computeParameters(schemas, values)
  }

  /** Stores what the import of a template version found. Throws {@link ReportRefused} for a name that is declared twice. */
  async insertSchemas(transaction: Transaction, jobId: string, schemas: NonNullable<JobUpdate['parameter_schemas']>): Promise<void> {
    const names = schemas.map(({ name }) => name)
    const repeated = names.find((name, index) => names.indexOf(name) !== index)
    if (repeated !== undefined) throw new ReportRefused(`the parameter ${JSON.stringify(repeated)} is declared twice`)
    const created_at = timestamp(this.#clock.now())
    const rows = schemas.map((schema, index) => ({ ...schema, id: randomUUID(), created_at, job_id: jobId, index, default_refresh: '' }))
    await this.#store.in(transaction).insertSchemas(rows)
  }

  /**
   * Replaces values that ask to be copies by what they are copied from: a value that the import of a version of the same template was given, secrets
   * included. Throws `validation_failed` for anything else.
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
            validations: [{ field, detail: 'No version of this template has been given such a value' }],
          })
        }
        return source
      }),
    )
  }

  /** Forgets every value of a scope. */
  async deleteScope(transaction: Transaction, scopeId: string): Promise<void> {
    await this.#store.in(transaction).deleteScope(scopeId)
  }

  /** Stores values for a scope; names must be distinct. Throws `validation_failed`. */
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

const SOURCE_SCHEMES: readonly string[] = ['none', 'data']
const DESTINATION_SCHEMES: readonly string[] = ['none', 'environment_variable', 'provisioner_variable']

/** Elements of arrays are not validated when a body is read, so what the database would refuse is refused here. */
function checkedValues(values: readonly CreateParameterRequest[]): NewParameterValue[] {
  const names = values.map(({ name }) => name)
  const validations = values.flatMap(({ name, source_scheme, destination_scheme }, index) => {
    const field = `parameter_values[${index}]`
    return [
      ...(name === '' ? [{ field: `${field}.name`, detail: 'Must not be empty' }] : []),
      ...(names.indexOf(name) === index ? [] : [{ field: `${field}.name`, detail: `The parameter "${name}" is given twice` }]),
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
