/**
 * A text isn't a search query. The message is the `detail` of the validation of `q` (Coder v2 API,
 * v0.13.4).
 */
export class SearchError extends Error {
  override readonly name = 'SearchError'
}

/**
 * Reads a search query (Coder v2 API, v0.13.4): words separated by spaces, each `key:value` or a
 * bare word. Double quotes keep spaces and delimiters together. The query is lower-cased. Of
 * several values for one key, the last counts.
 *
 * @param query for example `template:docker status:running alice/dev`.
 * @param bareWord the key of a bare word: one key (`search` for users, `resource_type` for the
 *   audit log), or several joined by `/`. With `owner/name`, the word `alice/dev` sets both, and
 *   `dev` sets the last.
 * @returns the values by key, without empty ones. Unknown keys are included; callers ignore them.
 * @throws SearchError that names the word and says that it `can only contain 1 ':'` or `can only
 *   contain 1 '/'`.
 */
export function parseSearch(query: string, bareWord: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  for (const element of splitOutsideQuotes(query.toLowerCase(), ' ')) {
    const [first, second, ...more] = piecesOf(element, ':')
    if (first === undefined || more.length > 0) throw fault(element, ':')
    if (second === undefined) setBareWord(values, { element, word: first, keys: bareWord.split('/') })
    else values.set(first, second)
  }
  for (const [key, value] of values) if (value === '') values.delete(key)
  return values
}

interface BareWord {
  readonly element: string
  /** The element without quotes and colons. */
  readonly word: string
  readonly keys: readonly string[]
}

function setBareWord(values: Map<string, string>, { element, word, keys }: BareWord): void {
  const lastKey = keys.at(-1) ?? ''
  if (keys.length === 1) {
    values.set(lastKey, word)
    return
  }
  const pieces = piecesOf(element, '/')
  if (pieces.length === 1) {
    values.set(lastKey, pieces[0] ?? '')
    return
  }
  if (pieces.length !== keys.length) throw fault(element, '/')
  keys.forEach((key, index) => values.set(key, pieces[index] ?? ''))
}

function fault(element: string, delimiter: string): SearchError {
  return new SearchError(`Query element ${JSON.stringify(element)} can only contain 1 '${delimiter}'`)
}

/** Splits an element at a delimiter and trims the quotes of each piece. */
function piecesOf(element: string, delimiter: string): string[] {
  return splitOutsideQuotes(element, delimiter).map(trimQuotes)
}

function trimQuotes(text: string): string {
  let start = 0
  let end = text.length
  while (text.charAt(start) === '"') start++
  while (end > start && text.charAt(end - 1) === '"') end--
  return text.slice(start, end)
}

/**
 * Splits a text at unquoted delimiters and drops empty pieces. An unbalanced quote reaches to the
 * end.
 */
function splitOutsideQuotes(text: string, delimiter: string): string[] {
  const pieces: string[] = []
  let isQuoted = false
  let start = 0
  for (let at = 0; at <= text.length; at++) {
    const character = text.charAt(at)
    if (character === '"') isQuoted = !isQuoted
    const isEnd = at === text.length || (character === delimiter && !isQuoted)
    if (!isEnd) continue
    if (at > start) pieces.push(text.slice(start, at))
    start = at + 1
  }
  return pieces
}
