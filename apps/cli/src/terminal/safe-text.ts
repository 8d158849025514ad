import { stripVTControlCharacters } from 'node:util'

// Everything below space but tab, and the C1 range, which some terminals obey like escapes.
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const controls = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g

/**
 * Makes text from elsewhere safe for a terminal: without escape sequences and control characters, a line can't move the cursor, retitle
 * the window or hide what is printed after it. Newlines stay.
 */
export function safeText(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\r\n', '\n')).replaceAll(controls, '')
}

/** Columns that a text takes up: wide East Asian characters and emoji count two, combining marks none. */
export function displayWidth(text: string): number {
  let width = 0
  for (const character of stripVTControlCharacters(text)) {
    if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) continue
    width += /^[\p{Emoji_Presentation}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\uFF01-\uFF60]$/u.test(character)
      ? 2
      : 1
  }
  return width
}

/** Cuts a text to a number of columns, with an ellipsis where something was cut. */
export function clipText(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  let clipped = ''
  for (const character of text) {
    if (displayWidth(clipped + character) > columns - 1) break
    clipped += character
  }
  return `${clipped}…`
}
