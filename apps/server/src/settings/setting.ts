import { parseDuration } from '@berth/schema/rules'
import { ConfigError } from './config-error.ts'

/** One thing that an administrator can decide. */
export interface Setting<Value> {
  /** Read as `BERTH_<NAME>`, and as `CODER_<NAME>` where that is absent. */
  readonly name: string
  readonly flag: string
  /** As it would be written. */
  readonly default: string
  readonly usage: string
  /** Throws with what is wrong. */
  readonly read: (text: string) => Value
  /** A flag or a key of the settings file that is empty says something: it is read. Otherwise it stands for the default. */
  readonly readsEmpty?: boolean
}

export interface Address {
  readonly host: string
  readonly port: number
}

/** An address to listen on. */
export interface ListenAddress extends Address {
  /** The setting that it comes from. */
  readonly setting: string
}

/** Reads a setting from wherever it was given. */
export type ReadSetting = <Value>(from: Setting<Value>) => Value

/** @param flag Where it is not the name in lower case. */
export function setting<Value>(
  name: string,
  standard: string,
  usage: string,
  read: (text: string) => Value,
  flag?: string,
): Setting<Value> {
  return { name, flag: flag ?? flagOf(name), default: standard, usage, read }
}

/** An address to listen on, which may be left out: where it is empty on purpose, there is none. */
export function addressSetting(name: string, standard: string, usage: string): Setting<Address | undefined> {
  return { ...setting(name, standard, usage, optional(address)), readsEmpty: true }
}

export function flagOf(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

export function text(value: string): string {
  return value
}

export function optional<Value>(read: (text: string) => Value): (text: string) => Value | undefined {
  return (value) => (value === '' ? undefined : read(value))
}

/** Words between commas or blanks. */
export function list(value: string): string[] {
  return value.split(/[\s,]+/).filter((word) => word !== '')
}

export function oneOf<const Words extends readonly string[]>(words: Words): (value: string) => Words[number] {
  return (value) => {
    const word = words.find((candidate) => candidate === value)
    if (word === undefined) throw new ConfigError(`"${value}" is none of ${words.join(', ')}.`)
    return word
  }
}

export function address(value: string): Address {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]*)):(\d{1,5})$/.exec(value) ?? []
  if (port === undefined || Number(port) > 65_535)
    throw new ConfigError(`"${value}" is not an address. Write host:port, for example 127.0.0.1:3000 or [::]:3000.`)
  return { host: bracketed ?? (plain === undefined || plain === '' ? '0.0.0.0' : plain), port: Number(port) }
}

export function httpUrl(value: string): string {
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol))
    throw new ConfigError(`"${value}" is not a URL. Write it with http:// or https://.`)
  return value
}

export function duration(value: string): number {
  const ms = parseDuration(value)
  if (ms <= 0) throw new ConfigError(`"${value}" is not a time that passes. Write for example 150ms, 30s or 1h30m.`)
  return ms
}

export function integerFrom(least: number, most: number): (value: string) => number {
  return (value) => {
    const number = Number(value)
    if (!/^-?\d+$/.test(value) || number < least || number > most)
      throw new ConfigError(`"${value}" is not a whole number from ${least} to ${most}.`)
    return number
  }
}
