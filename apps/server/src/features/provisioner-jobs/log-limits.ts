import { truncateRunes } from '@berth/schema/rules'

/** The longest stage and output of a log line, in characters. Longer ones are truncated. */
const MAX_STAGE_CHARACTERS = 128
const MAX_OUTPUT_CHARACTERS = 1024

/** Returns the part of a log line that is stored. */
export function storableLog({ stage, output }: { readonly stage: string; readonly output: string }): { stage: string; output: string } {
  return { stage: storable(stage, MAX_STAGE_CHARACTERS), output: storable(output, MAX_OUTPUT_CHARACTERS) }
}

/** PostgreSQL can't store NUL characters. */
function storable(text: string, maxCharacters: number): string {
  return truncateRunes(text.includes('\0') ? text.replaceAll('\0', '\uFFFD') : text, maxCharacters)
}
