import { RE2JS, RE2JSException } from 're2js'

/**
 * The largest regular expression, in instructions once compiled. A repetition counts each time:
 * `^[a-z]{1,63}$` has about 130.
 */
const maxInstructions = 1024

/**
 * The most work for one match: instructions times characters. Matching at this limit takes about
 * 40 ms.
 */
const maxSteps = 1024 * 1024

/** A compiled regular expression whose matching time is linear in the length of the text. */
export interface LinearRegex {
  /** Returns whether the text contains a match. */
  readonly test: (text: string) => boolean
  /** The longest text that may be tested. */
  readonly maxCharacters: number
}

/** Thrown for a regular expression that can't be used. The message says why. */
export class RegexError extends Error {
  override readonly name = 'RegexError'
}

/**
 * Compiles a regular expression in the syntax of RE2. Unlike JavaScript's own, its matching can't
 * be slowed down by a cleverly chosen text. Throws {@link RegexError} for one that is invalid or
 * too large.
 */
export function compileRegex(source: string): LinearRegex {
  const regex = compile(source)
  const instructions = regex.programSize()
  if (instructions > maxInstructions)
    throw new RegexError(
      `it has ${instructions} instructions, more than ${maxInstructions}; a repetition such as {1,1000} counts each time`,
    )
  return { test: (text) => regex.test(text), maxCharacters: Math.floor(maxSteps / instructions) }
}

/** Returns what is wrong with a regular expression, undefined if nothing is. */
export function regexFault(source: string): string | undefined {
  try {
    compileRegex(source)
    return undefined
  } catch (error) {
    if (error instanceof RegexError) return error.message
    throw error
  }
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    const reason = error.message.replace('error parsing regexp: ', '')
    const isUnsupported = /\(\?(?:[=!]|<[=!])|\\[1-9k]/.test(reason)
    throw new RegexError(isUnsupported ? `${reason}: look-around and back-references aren't supported` : reason, { cause: error })
  }
}
