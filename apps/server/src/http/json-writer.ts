/**
 * Characters that could end a `<script>` or a line of JavaScript when a page embeds JSON. JSON has
 * them only inside strings.
 */
const UNSAFE_IN_PAGES = /[<>&\u2028\u2029]/
const ALL_UNSAFE_IN_PAGES = /[<>&\u2028\u2029]/g

/**
 * Writes a value as compact JSON with `<`, `>`, `&`, U+2028 and U+2029 escaped and a newline at the
 * end. Undefined is written as `null` (Coder v2 API, v0.13.4).
 */
export function writeJson(value: unknown): string {
  const json: string | undefined = JSON.stringify(value)
  if (json === undefined) return 'null\n'
  return `${UNSAFE_IN_PAGES.test(json) ? json.replace(ALL_UNSAFE_IN_PAGES, escapeCharacter) : json}\n`
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
