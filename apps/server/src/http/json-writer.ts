/** Characters that end a `<script>` or a line of JavaScript when JSON is put into a page. They only occur inside strings. */
const UNSAFE_IN_PAGES = /[<>&\u2028\u2029]/
const ALL_UNSAFE_IN_PAGES = /[<>&\u2028\u2029]/g

/**
 * Writes a value as the wire does: compact JSON with `<`, `>`, `&`, U+2028 and U+2029 escaped, and one newline at the end. "Nothing" is
 * `null` (Coder v2 API, v0.13.4).
 */
export function writeJson(value: unknown): string {
  const json: string | undefined = JSON.stringify(value)
  if (json === undefined) return 'null\n'
  return `${UNSAFE_IN_PAGES.test(json) ? json.replace(ALL_UNSAFE_IN_PAGES, escapeCharacter) : json}\n`
}

function escapeCharacter(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
