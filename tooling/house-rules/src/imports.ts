/** One import, re-export or dynamic import of a source. */
export interface Import {
  /** The specifier as written: `./store.ts`, `@berth/schema`, `node:fs`. */
  readonly from: string
  /** Whether it brings types only and is gone at run time. */
  readonly isTypeOnly: boolean
}

const statement = /^(?:import|export)(\s+type)?\s+(?:([\w$*\s{},]+?)\s+from\s+)?['"]([^'"\n]+)['"]/gm
const dynamic = /\bimport\(\s*['"]([^'"\n]+)['"]/g

/**
 * The imports of a source whose comments are blanked. A light scanner, enough for formatted code:
 * statements begin a line. `import { type A }` without a value is type-only as well.
 */
export function importsOf(code: string): Import[] {
  const stated = [...code.matchAll(statement)].map(([, type, names, from = '']) => ({
    from,
    isTypeOnly: type !== undefined || (names !== undefined && bringsTypesOnly(names)),
  }))
  const called = [...code.matchAll(dynamic)].map(([, from = '']) => ({ from, isTypeOnly: false }))
  return [...stated, ...called]
}

/**
 * The package that a specifier names: `@berth/sdk/testing` → `@berth/sdk`; undefined for files and
 * for built-ins.
 */
export function packageOf(specifier: string): string | undefined {
  if (/^(\.|#|node:)/.test(specifier)) return undefined
  const [first = '', second = ''] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

function bringsTypesOnly(names: string): boolean {
  const braced = /^\{([\s\S]*)\}$/.exec(names.trim())
  const listed = braced?.[1]?.split(',').map((name) => name.trim())
  return listed?.filter(Boolean).every((name) => name.startsWith('type ')) ?? false
}
