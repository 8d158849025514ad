import { setImmediate as pause } from 'node:timers/promises'
import { Composer, Lexer, LineCounter, Parser, isScalar, visit, type CST, type Document } from 'yaml'
import { TemplateError, type TemplateProblem } from './template-error.ts'

/** How long a file may be. A startup script may have a quarter of this. */
const maxCharacters = 256 * 1024

/** How deep values may nest. The template format itself needs fewer than ten levels. */
const maxDepth = 64

/** How many tokens of the YAML lexer a file may have. A line `key: value` has seven. */
const maxTokens = 20_000

/** After how many tokens other work gets its turn. */
const tokensPerTurn = 1_000

/** An escape sequence of a double-quoted text; only the backslash where it is none. */
const escapeSequence = /\\(?:[0abtnvfe "/\\N_LP\t\r\n]|x[0-9a-f]{2}|u[0-9a-f]{4}|U00(?:0[0-9a-f]|10)[0-9a-f]{4}|)/gi

export interface ParsedYaml {
  readonly document: Document.Parsed
  readonly problemAt: (offset: number, message: string) => void
}

/**
 * Parses YAML in turns with other work. Throws {@link TemplateError} for a file that is too long,
 * too deep or has too many tokens, before it builds nodes, and reports every other problem to
 * `report`.
 */
export async function parseYaml(text: string, report: (problem: TemplateProblem) => void): Promise<ParsedYaml> {
  if (text.length > maxCharacters)
    throw new TemplateError([{ line: 1, column: 1, message: `the file is longer than ${maxCharacters} characters; shorten it` }])
  const lines = lineCounterOf(text)
  const placed = (offset: number, message: string): TemplateProblem => {
    const { line, col } = lines.linePos(offset)
    return { line: Math.max(1, line), column: Math.max(1, col), message }
  }
  const problemAt = (offset: number, message: string): void => report(placed(offset, message))
  const tokens = await boundedTokens(text, (offset, message) => new TemplateError([placed(offset, message)]))
  await pause()
  const [document, second] = compose(tokens, text.length)
  if (second !== undefined) problemAt(second.range[0], 'a second YAML document starts here; keep one document')
  for (const { pos, message } of [...document.errors, ...document.warnings])
    problemAt(pos[0], `${message.split('\n', 1)[0] ?? message}; correct the YAML`)
  refuseDuplicateKeys(document, problemAt)
  return { document, problemAt }
}

/**
 * Counts the lines itself, because the parser's count leaves out what follows the end of a
 * document.
 */
function lineCounterOf(text: string): LineCounter {
  const lines = new LineCounter()
  for (let start = 0; start !== 0 || lines.lineStarts.length === 0; start = text.indexOf('\n', start) + 1) lines.addNewLine(start)
  return lines
}

async function boundedTokens(text: string, refuse: (offset: number, message: string) => TemplateError): Promise<CST.Token[]> {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let count = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme.startsWith('"')) refuseBadEscape(lexeme, (at, message) => refuse(parser.offset + at, message))
    tokens.push(...parser.next(lexeme))
    count += 1
    if (count % tokensPerTurn === 0) await pause()
    if (parser.stack.length > maxDepth) throw refuse(parser.offset, `values nest more than ${maxDepth} deep; flatten them`)
    if (count > maxTokens) throw refuse(parser.offset, `the file has more than ${maxTokens} YAML tokens, about 2800 lines; shorten it`)
  }
  tokens.push(...parser.end())
  return tokens
}

/** Refuses a bad escape sequence, because the library makes an error with a stack for each. */
function refuseBadEscape(quoted: string, refuse: (at: number, message: string) => TemplateError): void {
  for (const { 0: sequence, index } of quoted.matchAll(escapeSequence))
    if (sequence === '\\') throw refuse(index, 'this is no escape sequence; write \\\\ for a backslash, or use single quotes')
}

function compose(tokens: readonly CST.Token[], length: number): [Document.Parsed, Document.Parsed | undefined] {
  try {
    // The library compares each key with all others, so this file checks for duplicates itself.
    const composer = new Composer({ prettyErrors: false, uniqueKeys: false, strict: true, version: '1.2' })
    const [document, second] = composer.compose(tokens, true, length)
    if (document === undefined) throw new Error('it has no document')
    return [document, second]
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : 'unknown'
    throw new TemplateError([{ line: 1, column: 1, message: `the YAML can't be read: ${reason}` }])
  }
}

function refuseDuplicateKeys(document: Document.Parsed, problemAt: (offset: number, message: string) => void): void {
  visit(document, {
    Map: (_, map) => {
      const seen = new Set<unknown>()
      for (const { key } of map.items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value)) problemAt(key.range?.[0] ?? 0, 'this key already exists; remove one of the two')
        seen.add(key.value)
      }
    },
  })
}
