/**
 * A JSON number with its spelling: integer fields refuse `1e3` and `1.0`, and not every 64-bit
 * integer fits a JavaScript number.
 */
export interface JsonNumber {
  readonly kind: 'number'
  /** The number as the text spells it. */
  readonly text: string
  /** The nearest JavaScript number; infinite for a spelling beyond its range. */
  readonly value: number
}

/**
 * A JSON object as a list of entries. Names match in any case and the last of several wins, so all
 * entries are kept.
 */
export interface JsonObject {
  readonly kind: 'object'
  /** In the order of the text, with repeated names. */
  readonly entries: readonly (readonly [name: string, value: JsonValue])[]
}

/** A JSON value as it was written, before any schema is applied. */
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject

/**
 * Text that isn't JSON. The message is the `detail` that the client sees (Coder v2 API, v0.13.4).
 */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
}

/** The deepest nesting of arrays and objects. */
const MAX_DEPTH = 1000

/**
 * How many values a text may hold. Reading so many takes about 20 ms. A request needs a few
 * hundred; what makes one large is a long string.
 */
const MAX_VALUES = 100_000

const LONE_SURROGATE = /\p{Surrogate}/u
const ALL_LONE_SURROGATES = /\p{Surrogate}/gu

/**
 * Reads the first JSON value of a text and ignores what follows (Coder v2 API, v0.13.4). Lone
 * surrogates become U+FFFD.
 *
 * @throws JsonSyntaxError `EOF` for text without a value, `unexpected EOF` for a value that is cut
 * off, otherwise the fault, such as `invalid character 'x' looking for beginning of value`.
 */
export function readJson(text: string): JsonValue {
  return new Scanner(LONE_SURROGATE.test(text) ? text.replace(ALL_LONE_SURROGATES, '\uFFFD') : text).readFirst()
}

/**
 * Converts a value to plain objects, arrays and numbers, for fields that take any JSON. The last of
 * several equal names wins.
 */
export function plainJson(value: JsonValue): unknown {
  if (value === null || typeof value !== 'object') return value
  if (isArray(value)) return value.map(plainJson)
  if (value.kind === 'number') return value.value
  // fromEntries defines properties, so `__proto__` is an ordinary name.
  return Object.fromEntries(value.entries.map(([name, entry]) => [name, plainJson(entry)]))
}

/** Narrows like `Array.isArray`, which doesn't recognize readonly arrays. */
function isArray(value: readonly JsonValue[] | JsonNumber | JsonObject): value is readonly JsonValue[] {
  return Array.isArray(value)
}

const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y

const FIRST_PRINTABLE = 0x20
const QUOTE = 0x22
const COMMA = 0x2c
const MINUS = 0x2d
const ZERO = 0x30
const NINE = 0x39
const COLON = 0x3a
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

const LITERALS: Readonly<Record<string, { word: string; value: null | boolean }>> = {
  t: { word: 'true', value: true },
  f: { word: 'false', value: false },
  n: { word: 'null', value: null },
}

const ESCAPE_LETTERS = '"\\/bfnrt'

function isHexDigit(code: number): boolean {
  // Setting bit 0x20 turns an upper-case letter into lower case.
  const lower = code | 0x20
  return (code >= ZERO && code <= NINE) || (lower >= 0x61 && lower <= 0x66)
}

class Scanner {
  readonly #text: string
  #at = 0
  #values = 0

  constructor(text: string) {
    this.#text = text
  }

  readFirst(): JsonValue {
    this.#skipBlanks()
    if (this.#at === this.#text.length) throw new JsonSyntaxError('EOF')
    return this.#readValue(0)
  }

  /** Reads the value that starts at the next non-blank character. */
  #readValue(depth: number): JsonValue {
    this.#values++
    if (this.#values > MAX_VALUES) throw new JsonSyntaxError('exceeded max number of values')
    const code = this.#nextCode()
    if (code === QUOTE) return this.#readString()
    if (code === OPEN_OBJECT) return this.#readObject(depth + 1)
    if (code === OPEN_ARRAY) return this.#readArray(depth + 1)
    if (code === MINUS || (code >= ZERO && code <= NINE)) return this.#readNumber()
    const literal = LITERALS[this.#text.charAt(this.#at)]
    if (literal === undefined) throw this.#unexpected('looking for beginning of value')
    return this.#readLiteral(literal)
  }

  #readObject(depth: number): JsonObject {
    const entries: [string, JsonValue][] = []
    this.#enter(depth)
    if (this.#nextCode() === CLOSE_OBJECT) {
      this.#at++
      return { kind: 'object', entries }
    }
    for (;;) {
      if (this.#nextCode() !== QUOTE) throw this.#unexpected('looking for beginning of object key string')
      const name = this.#readString()
      if (this.#nextCode() !== COLON) throw this.#unexpected('after object key')
      this.#at++
      entries.push([name, this.#readValue(depth)])
      const code = this.#nextCode()
      if (code !== COMMA && code !== CLOSE_OBJECT) throw this.#unexpected('after object key:value pair')
      this.#at++
      if (code === CLOSE_OBJECT) return { kind: 'object', entries }
    }
  }

  #readArray(depth: number): JsonValue[] {
    const items: JsonValue[] = []
    this.#enter(depth)
    if (this.#nextCode() === CLOSE_ARRAY) {
      this.#at++
      return items
    }
    for (;;) {
      items.push(this.#readValue(depth))
      const code = this.#nextCode()
      if (code !== COMMA && code !== CLOSE_ARRAY) throw this.#unexpected('after array element')
      this.#at++
      if (code === CLOSE_ARRAY) return items
    }
  }

  #enter(depth: number): void {
    if (depth > MAX_DEPTH) throw new JsonSyntaxError('exceeded max depth')
    this.#at++
  }

  #readLiteral({ word, value }: { word: string; value: null | boolean }): null | boolean {
    if (this.#text.startsWith(word, this.#at)) {
      this.#at += word.length
      return value
    }
    for (const letter of word) {
      if (this.#text.charAt(this.#at) !== letter) throw this.#unexpected(`in literal ${word} (expecting '${letter}')`)
      this.#at++
    }
    return value
  }

  #readNumber(): JsonNumber {
    NUMBER.lastIndex = this.#at
    const match = NUMBER.exec(this.#text)
    if (match === null) {
      this.#at++
      throw this.#unexpected('in numeric literal')
    }
    const [text, fraction, exponent] = match
    this.#at += text.length
    if (exponent === undefined) {
      const next = this.#text.charAt(this.#at)
      if (next === '.' && fraction === undefined) {
        this.#at++
        throw this.#unexpected('after decimal point in numeric literal')
      }
      if (next === 'e' || next === 'E') {
        const sign = this.#text.charAt(this.#at + 1)
        this.#at += sign === '+' || sign === '-' ? 2 : 1
        throw this.#unexpected('in exponent of numeric literal')
      }
    }
    return { kind: 'number', text, value: Number(text) }
  }

  #readString(): string {
    const start = this.#at++
    let isEscaped = false
    for (let stop = this.#nextStop(); stop !== QUOTE; stop = this.#nextStop()) {
      if (stop !== BACKSLASH) throw this.#unexpected('in string literal')
      isEscaped = true
      this.#skipEscape()
    }
    const literal = this.#text.slice(start, ++this.#at)
    if (!isEscaped) return literal.slice(1, -1)
    // The checked literal is valid JSON, and the engine decodes it many times faster than code here
    // could.
    const value = String(JSON.parse(literal))
    return LONE_SURROGATE.test(value) ? value.replace(ALL_LONE_SURROGATES, '\uFFFD') : value
  }

  /** Moves to the next quote, backslash or control character and returns its code. */
  #nextStop(): number {
    const text = this.#text
    for (let at = this.#at; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === QUOTE || code === BACKSLASH || code < FIRST_PRINTABLE) {
        this.#at = at
        return code
      }
    }
    throw new JsonSyntaxError('unexpected EOF')
  }

  #skipEscape(): void {
    const letter = this.#text.charAt(++this.#at)
    if (letter !== 'u') {
      if (letter !== '' && !ESCAPE_LETTERS.includes(letter)) throw this.#unexpected('in string escape code')
      this.#at++
      return
    }
    for (let digits = 0; digits < 4; digits++) {
      const code = this.#text.charCodeAt(++this.#at)
      if (!isHexDigit(code)) throw this.#unexpected('in \\u hexadecimal character escape')
    }
    this.#at++
  }

  #skipBlanks(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at)
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.#at++
    }
  }

  /** Moves to the next non-blank character and returns its code. */
  #nextCode(): number {
    this.#skipBlanks()
    if (this.#at >= this.#text.length) throw new JsonSyntaxError('unexpected EOF')
    return this.#text.charCodeAt(this.#at)
  }

  #unexpected(where: string): JsonSyntaxError {
    const code = this.#text.codePointAt(this.#at)
    if (code === undefined) return new JsonSyntaxError('unexpected EOF')
    return new JsonSyntaxError(`invalid character ${quoted(String.fromCodePoint(code))} ${where}`)
  }
}

function quoted(character: string): string {
  if (character === "'") return "'\\''"
  if (character === '"') return "'\"'"
  return `'${JSON.stringify(character).slice(1, -1)}'`
}
