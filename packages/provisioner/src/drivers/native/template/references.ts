import { ProvisionError } from '../../../driver.ts'

/** The values that references in a template stand for. */
export interface ReferenceValues {
  readonly parameters: ReadonlyMap<string, string>
  readonly workspace: Readonly<Record<WorkspaceReference, string>>
}

/** The workspace properties that a template may refer to. */
export const workspaceReferences = ['name', 'id', 'owner', 'owner_id', 'owner_email', 'transition', 'access_url'] as const

/** The name of a workspace property that a template may refer to. */
export type WorkspaceReference = (typeof workspaceReferences)[number]

/**
 * A part of a text: plain text or a reference. `index` is the number of openings `${{` before it,
 * including escaped ones.
 */
export type TextPart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reference'; readonly source: string; readonly index: number; readonly scope: string; readonly name: string }
  | { readonly kind: 'broken'; readonly source: string; readonly index: number }

/** How long the texts of one template may be together once they are filled in. */
const maxFilledCharacters = 1024 * 1024

// `$${{` is a literal `${{`. A reference ends at the first `}}` on its line.
const opening = /\$?\$\{\{/g
const inside = /^\s*([a-z]+)\.([A-Za-z_][A-Za-z0-9_-]*)\s*$/

/**
 * Splits a text into plain parts and references. Never throws: malformed references are returned as
 * `broken`.
 */
export function parseText(text: string): TextPart[] {
  const parts: TextPart[] = []
  const closings = ascendingSearch(text, '}}')
  const lineEnds = ascendingSearch(text, '\n')
  let end = 0
  let index = 0
  for (const match of text.matchAll(opening)) {
    if (match.index < end) continue
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) })
    if (match[0].startsWith('$$')) {
      parts.push({ kind: 'text', text: '${{' })
      end = match.index + match[0].length
    } else {
      const close = closings(match.index)
      const source = close < lineEnds(match.index) ? text.slice(match.index, close + 2) : '${{'
      const part = reference(source, index)
      parts.push(part)
      end = match.index + part.source.length
    }
    index += 1
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) })
  return parts
}

/**
 * Returns a function that fills in the references of the texts of one template. References inside
 * the filled-in values are not resolved. It throws on references that {@link checkReference}
 * refuses, and `ProvisionError` once the texts are too long together, because a long value can be
 * referred to often.
 */
export function createFiller(values: ReferenceValues): (text: string) => string {
  let characters = 0
  return (text) => {
    const filled: string[] = []
    for (const part of parseText(text)) {
      const value = part.kind === 'text' ? part.text : valueOf(part, values)
      characters += value.length
      if (characters > maxFilledCharacters)
        throw new ProvisionError(
          `the texts of the template are longer than ${maxFilledCharacters} characters with the parameters filled in; choose shorter values`,
        )
      filled.push(value)
    }
    return filled.join('')
  }
}

/** Returns what is wrong with a reference, undefined if nothing is. */
export function checkReference(part: TextPart, parameterNames: ReadonlySet<string>): string | undefined {
  if (part.kind === 'text') return undefined
  if (part.kind === 'broken') {
    return `${short(part.source)} isn't a valid reference; write \${{ parameters.name }} or \${{ workspace.name }}, or $\${{ for a literal \${{`
  }
  if (part.scope === 'workspace') {
    if (isWorkspaceReference(part.name)) return undefined
    return `${short(part.source)} refers to nothing; a workspace has: ${workspaceReferences.join(', ')}`
  }
  if (part.scope !== 'parameters') return `${short(part.source)} refers to nothing; references start with "parameters." or "workspace."`
  if (parameterNames.has(part.name)) return undefined
  const known = parameterNames.size === 0 ? 'the template has no parameters' : `the parameters are: ${[...parameterNames].join(', ')}`
  return `${short(part.source)} refers to an unknown parameter; ${known}`
}

function reference(source: string, index: number): Exclude<TextPart, { kind: 'text' }> {
  const [, scope, name] = inside.exec(source.slice(3, -2)) ?? []
  return scope === undefined || name === undefined ? { kind: 'broken', source, index } : { kind: 'reference', source, index, scope, name }
}

/**
 * Returns a function that finds the first occurrence at or after a position: infinite if there is
 * none. The positions must ascend: then it reads the text once, however often it is asked.
 */
function ascendingSearch(text: string, sought: string): (from: number) => number {
  let found = -1
  return (from) => {
    if (found < from) found = text.indexOf(sought, from)
    if (found === -1) found = Infinity
    return found
  }
}

function valueOf(part: Exclude<TextPart, { kind: 'text' }>, values: ReferenceValues): string {
  const value = part.kind === 'reference' ? lookUp(part, values) : undefined
  if (value === undefined) throw new Error(`${part.source} refers to nothing`)
  return value
}

function lookUp(part: { readonly scope: string; readonly name: string }, values: ReferenceValues): string | undefined {
  if (part.scope === 'parameters') return values.parameters.get(part.name)
  return part.scope === 'workspace' && isWorkspaceReference(part.name) ? values.workspace[part.name] : undefined
}

function short(source: string): string {
  return source.length > 100 ? `${source.slice(0, 100)}…` : source
}

function isWorkspaceReference(name: string): name is WorkspaceReference {
  return (workspaceReferences as readonly string[]).includes(name)
}
