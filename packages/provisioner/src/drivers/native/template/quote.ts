const maxCharacters = 200

/** Returns a text of a template in quotes for a message, on one line and not too long. */
export function quote(text: string): string {
  return JSON.stringify(text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text)
}
