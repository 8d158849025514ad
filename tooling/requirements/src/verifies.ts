import { requirements, type RequirementId } from './requirements.ts'

const known: ReadonlySet<string> = new Set(requirements.map(({ id }) => id))

/**
 * Declares, inside a test, the rules that the test proves: `verifies('workspaces:ttl:bounds')`.
 *
 * Coverage is read from the sources of the tests, so IDs must be string literals. At run time the
 * call only checks that they exist.
 */
export function verifies(...ids: readonly [RequirementId, ...RequirementId[]]): void {
  const wrong = ids.filter((id) => !known.has(id))
  if (wrong.length > 0) throw new Error(`No requirement is called ${wrong.join(', ')}. The IDs are in tooling/requirements/src/rows.`)
}
