import { parseDuration } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'

/** Reads the text of a setting. Throws an error that says what is wrong with the text. */
export type Reader<Value> = (text: string) => Value

/** The smallest and largest number of a wire integer. */
const INT_RANGE = [-2_147_483_648, 2_147_483_647] as const

export function text(value: string): string {
  return value
}

export function optional<Value>(read: Reader<Value>): Reader<Value | undefined> {
  return (value) => (value === '' ? undefined : read(value))
}

/** Splits a text at commas and blanks. */
export function list(value: string): readonly string[] {
  return value.split(/[\s,]+/).filter((word) => word !== '')
}

export function oneOf<Word extends string>(words: readonly Word[]): Reader<Word> {
  return (value) => {
    const word = words.find((candidate) => candidate === value)
    if (word === undefined) throw new ConfigError(`"${value}" is not one of ${words.join(', ')}.`)
    return word
  }
}

export function anyOf<Word extends string>(words: readonly Word[]): Reader<readonly Word[]> {
  return (value) => list(value).map(oneOf(words))
}

export function wholeNumber([least, most]: readonly [least: number, most: number] = INT_RANGE): Reader<number> {
  return (value) => {
    const number = Number(value)
    if (!/^-?\d+$/.test(value) || number < least || number > most)
      throw new ConfigError(`"${value}" is not a whole number from ${least} to ${most}.`)
    return number
  }
}

/** Returns milliseconds. */
export function duration(value: string): number {
  const ms = parseDuration(value)
  if (ms <= 0) throw new ConfigError(`"${value}" is not a duration above zero. Write one like 150ms, 30s or 1h30m.`)
  return ms
}

/** Returns milliseconds; undefined for `0`, which means forever. */
export function retention(value: string): number | undefined {
  return value === '0' ? undefined : duration(value)
}
