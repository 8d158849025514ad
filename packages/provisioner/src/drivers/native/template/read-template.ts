import { TemplateFile, reservedTemplateRuntimes, templateRuntimes, type TemplateRuntime } from '@berth/schema'
import { setImmediate as pause } from 'node:timers/promises'
import { isAlias, isMap, isNode, isScalar, visit, type Document, type Node } from 'yaml'
import { checkTemplate } from './check-template.ts'
import { parseYaml } from './parse-yaml.ts'
import { readNode } from './read-node.ts'
import { checkReference, parseText } from './references.ts'
import { TemplateError, addProblem, type TemplateProblem } from './template-error.ts'

/** A checked template: its values match the schema and every reference refers to something. */
export interface Template {
  readonly file: TemplateFile
  readonly runtime: TemplateRuntime
}

/**
 * Reads the text of a `template.yaml`, in turns with other work. Throws {@link TemplateError} with
 * every problem at once.
 */
export async function readTemplate(text: string): Promise<Template> {
  const problems: TemplateProblem[] = []
  const { document, problemAt } = await parseYaml(text, (problem) => addProblem(problems, problem))
  await pause()
  refuseAliases(document, problemAt)
  if (problems.length > 0) throw new TemplateError(problems)
  const template = await readChecked(document, { text, problemAt })
  if (problems.length > 0 || template === undefined) throw new TemplateError(problems)
  return template
}

/**
 * Refuses aliases: with them a short file can grow without bound, and a problem has no single
 * place.
 */
function refuseAliases(document: Document.Parsed, problemAt: (offset: number, message: string) => void): void {
  visit(document, {
    Alias: (_, alias) => problemAt(alias.range?.[0] ?? 0, "aliases (*name) aren't supported; write the value out"),
  })
}

interface Source {
  readonly text: string
  readonly problemAt: (offset: number, message: string) => void
}

/**
 * Returns the template, undefined where it names no runtime. Whatever is wrong with it is reported
 * as a problem.
 */
async function readChecked(document: Document.Parsed, { text, problemAt }: Source): Promise<Template | undefined> {
  const { contents } = document
  const problem = (node: Node | null | undefined, message: string): void => problemAt(node?.range?.[0] ?? 0, message)
  const filled: { node: Node; text: string }[] = []
  const file = readNode(
    { node: contents, name: 'template.yaml', schema: TemplateFile },
    {
      problem,
      filledText: (node, filledText) => filled.push({ node, text: filledText }),
      explainKey: explainRuntime,
    },
  )
  const runtimes = isMap(contents) ? templateRuntimes.filter((runtime) => contents.has(runtime)) : []
  const hasReserved = isMap(contents) && reservedTemplateRuntimes.some((runtime) => contents.has(runtime))
  const [runtime] = runtimes
  if (runtime === undefined && isMap(contents) && !hasReserved)
    problem(contents, `the runtime is missing; add one of: ${templateRuntimes.join(', ')}`)
  for (const other of runtimes.slice(1))
    problem(nodeAt(document, [other]), `the template already has the runtime ${runtime}; remove one of the two`)
  // Parts that could not be read are left out, so the checks below treat every part as possibly
  // absent.
  const partial = (typeof file === 'object' && file !== null ? file : {}) as Partial<TemplateFile>
  await checkTemplate(partial, { problem: (path, message) => problem(nodeAt(document, path), message) })
  const parameterNames = new Set((partial.parameters ?? []).map((parameter) => parameter?.name))
  for (const { node, text: filledText } of filled) checkReferences({ node, filledText, parameterNames }, { text, problemAt })
  if (runtime === undefined) return undefined
  return { file: partial as TemplateFile, runtime } // used only where no problem was reported, so nothing was left out
}

function explainRuntime(key: string): string | undefined {
  if (!(reservedTemplateRuntimes as readonly string[]).includes(key)) return undefined
  return `this version has no runtime ${JSON.stringify(key)}; it has: ${templateRuntimes.join(', ')}`
}

function checkReferences(
  { node, filledText, parameterNames }: { readonly node: Node; readonly filledText: string; readonly parameterNames: ReadonlySet<string> },
  { text, problemAt }: Source,
): void {
  const [start, end] = node.range ?? [0, 0]
  // Quoting and folding change a value's text, but not the order of its openings.
  const openings = [...text.slice(start, end).matchAll(/\$?\$\{\{/g)].map(({ index }) => start + index)
  for (const part of parseText(filledText)) {
    const message = checkReference(part, parameterNames)
    if (message !== undefined && part.kind !== 'text') problemAt(openings[part.index] ?? start, message)
  }
}

/** Returns the node at a path, or its nearest ancestor. */
function nodeAt(document: Document.Parsed, path: readonly (string | number)[]): Node | null {
  for (let length = path.length; length > 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true)
    if (isNode(node) && !isAlias(node) && !(isScalar(node) && node.range == null)) return node
  }
  return document.contents
}
