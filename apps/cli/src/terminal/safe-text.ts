import { stripVTControlCharacters } from 'node:util'

// All controls but tab and newline, C1 included: some terminals treat those as escapes.
// oxlint-disable-next-line no-control-regex -- matches control characters on purpose
const controls = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g

/**
 * Removes escape sequences and control characters, so that foreign text can't move the cursor,
 * change
 * the window title or hide later output. Keeps newlines.
 */
export function safeText(text: string): string {
  return stripVTControlCharacters(text.replaceAll('\r\n', '\n')).replaceAll(controls, '')
}

/**
 * Returns the columns a text takes up. East Asian wide characters and emoji take two, combining
 * marks none.
 */
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

/** Cuts a text to a number of columns. A cut text ends with an ellipsis. */
export function clipText(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text
  let clipped = ''
  for (const character of text) {
    if (displayWidth(clipped + character) > columns - 1) break
    clipped += character
  }
  return `${clipped}…`
}
