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

// `$${{` is a literal `${{`. A reference ends at the first `}}` on its line.
const opening = /\$?\$\{\{/g
const inside = /^\s*([a-z]+)\.([A-Za-z_][A-Za-z0-9_-]*)\s*$/

/**
 * Splits a text into plain parts and references. Never throws: malformed references are returned as
 * `broken`.
 */
export function parseText(text: string): TextPart[] {
  const parts: TextPart[] = []
  let end = 0
  let index = 0
  for (const match of text.matchAll(opening)) {
    if (match.index < end) continue
    if (match.index > end) parts.push({ kind: 'text', text: text.slice(end, match.index) })
    if (match[0].startsWith('$$')) {
      parts.push({ kind: 'text', text: '${{' })
      end = match.index + match[0].length
    } else {
      const part = reference(text, match.index, index)
      parts.push(part)
      end = match.index + part.source.length
    }
    index += 1
  }
  if (end < text.length) parts.push({ kind: 'text', text: text.slice(end) })
  return parts
}

/**
 * Fills in the references of a text. References inside the filled-in values are not resolved.
 * Throws on references that {@link checkReference} refuses.
 */
export function fillText(text: string, values: ReferenceValues): string {
  return parseText(text)
    .map((part) => {
      if (part.kind === 'text') return part.text
      const value = part.kind === 'reference' ? valueOf(part, values) : undefined
      if (value === undefined) throw new Error(`${part.source} refers to nothing`)
      return value
    })
    .join('')
}

/** Returns what is wrong with a reference, undefined if nothing is. */
export function checkReference(part: TextPart, parameterNames: ReadonlySet<string>): string | undefined {
  if (part.kind === 'text') return undefined
  if (part.kind === 'broken') {
    return `${part.source} isn't a valid reference; write \${{ parameters.name }} or \${{ workspace.name }}, or $\${{ for a literal \${{`
  }
  if (part.scope === 'workspace') {
    if (isWorkspaceReference(part.name)) return undefined
    return `${part.source} refers to nothing; a workspace has: ${workspaceReferences.join(', ')}`
  }
  if (part.scope !== 'parameters') return `${part.source} refers to nothing; references start with "parameters." or "workspace."`
  if (parameterNames.has(part.name)) return undefined
  const known = parameterNames.size === 0 ? 'the template has no parameters' : `the parameters are: ${[...parameterNames].join(', ')}`
  return `${part.source} refers to an unknown parameter; ${known}`
}

function reference(text: string, start: number, index: number): Exclude<TextPart, { kind: 'text' }> {
  const lineEnd = text.indexOf('\n', start)
  const line = text.slice(start, lineEnd === -1 ? text.length : lineEnd)
  const close = line.indexOf('}}')
  if (close === -1) return { kind: 'broken', source: '${{', index }
  const source = line.slice(0, close + 2)
  const [, scope, name] = inside.exec(source.slice(3, -2)) ?? []
  return scope === undefined || name === undefined ? { kind: 'broken', source, index } : { kind: 'reference', source, index, scope, name }
}

function valueOf(part: { readonly scope: string; readonly name: string }, values: ReferenceValues): string | undefined {
  if (part.scope === 'parameters') return values.parameters.get(part.name)
  return part.scope === 'workspace' && isWorkspaceReference(part.name) ? values.workspace[part.name] : undefined
}

function isWorkspaceReference(name: string): name is WorkspaceReference {
  return (workspaceReferences as readonly string[]).includes(name)
}
