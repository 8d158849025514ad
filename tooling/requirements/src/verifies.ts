import { requirements, type RequirementId } from './requirements.ts'

const known: ReadonlySet<string> = new Set(requirements.map(({ id }) => id))

/**
 * Says, inside a test, which rules the test proves: `verifies('workspaces:ttl:bounds')`.
 *
 * Coverage is read from the sources of the tests, so ids are written as plain string literals. At run time the call only refuses
 * an id that no row has.
 */
export function verifies(...ids: readonly [RequirementId, ...RequirementId[]]): void {
  const wrong = ids.filter((id) => !known.has(id))
  if (wrong.length > 0) throw new Error(`No requirement is called ${wrong.join(', ')}. The ids are in tooling/requirements/src/rows.`)
}
