import { join } from 'node:path'
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { ConfigError } from './config-error.ts'
import { gitAuthFields } from './git-auth-settings.ts'
import type { Given } from './given-settings.ts'

/** A file with settings, in YAML. */
export interface SettingsFile {
  readonly path: string
  readonly text: string
}

/** Its folder is that of the configuration of the command line of the Coder v2 API, v0.13.4. */
export function settingsFilePath(
  environment: Readonly<Record<string, string | undefined>>,
  { homeDirectory }: { readonly homeDirectory: string },
): string {
  const base = environment['XDG_CONFIG_HOME'] || join(homeDirectory, '.config')
  return join(environment['BERTH_CONFIG_DIR'] || environment['CODER_CONFIG_DIR'] || join(base, 'coderv2'), 'server.yaml')
}

const GIT_AUTH = 'GITAUTH'
/** What a provider of git has, as the fields of its numbered variables. */
const GIT_AUTH_KEY = new RegExp(`^${GIT_AUTH}_\\d+_(?:${gitAuthFields.join('|')})$`)

const PROVIDERS = 'it is a list of providers, each with keys such as id, type and client_id.'

interface Reading {
  readonly path: string
  readonly lines: LineCounter
  readonly isSetting: (name: string) => boolean
  /** Whether a setting has this name, or one that begins with it. */
  readonly isGroup: (name: string) => boolean
  readonly found: Map<string, Given>
}

/** A value, with the keys that lead to it and where the last of them stands. */
interface Place {
  readonly node: unknown
  readonly key: string
  readonly at: number
}

/**
 * Reads the settings of a file. The keys that lead to a value, joined by underscores and in capitals, are the name of the setting. Lists are
 * joined by commas; a key without a value counts as absent.
 *
 * @param names Of all settings.
 * @returns What was written, by the name of the setting.
 * @throws ConfigError with one line that names the file and the place in it, and shows no value.
 */
export function readSettingsFile({ path, text }: SettingsFile, names: ReadonlySet<string>): ReadonlyMap<string, Given> {
  const lines = new LineCounter()
  // Messages of the parser quote the text, in which secrets are.
  const { errors, contents } = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent', stringKeys: true })
  const isSetting = (name: string): boolean => names.has(name) || GIT_AUTH_KEY.test(name)
  const isGroup = (name: string): boolean => [...names, GIT_AUTH].some((other) => other === name || other.startsWith(`${name}_`))
  const reading: Reading = { path, lines, isSetting, isGroup, found: new Map() }
  const [error] = errors
  if (error !== undefined)
    throw new ConfigError(`${placed(reading, error.pos[0])} is not YAML (${error.code.toLowerCase().replaceAll('_', ' ')}).`)
  if (contents === null || (isScalar(contents) && contents.value === null)) return reading.found
  if (!isMap(contents)) throw new ConfigError(`${path} cannot be used: it holds no settings. Write each as key: value.`)
  readNode({ node: contents, key: '', at: 0 }, reading)
  return reading.found
}

function readNode(place: Place, reading: Reading): void {
  const { node, key, at } = place
  if (isAlias(node)) refuse(place, reading, 'its value begins with "*", which is a reference in YAML. Put the value in quotes.')
  if (nameOf(key) === GIT_AUTH && isSeq(node))
    for (const [index, item] of node.items.entries()) {
      if (!isMap(item)) refuse(place, reading, PROVIDERS)
      readNode({ node: item, key: `${key}.${index}`, at }, reading)
    }
  else if (!isMap(node)) readLeaf(place, reading)
  else if (reading.isSetting(nameOf(key))) refuse(place, reading, 'it has one value, and no keys below it.')
  else
    for (const pair of node.items) {
      if (!isScalar(pair.key)) refuse(place, reading, 'a key below it is not a word.')
      const word = String(pair.key.value)
      readNode({ node: pair.value, key: key === '' ? word : `${key}.${word}`, at: pair.key.range?.[0] ?? at }, reading)
    }
}

function readLeaf(place: Place, reading: Reading): void {
  const { node, key, at } = place
  const { found, path, isSetting, isGroup } = reading
  const name = nameOf(key)
  const text = isSeq(node) ? node.items.map((item) => textOf(item, place, reading) ?? '').join(',') : textOf(node, place, reading)
  // Of a group whose settings are all commented out, the key is left.
  const isEmptyGroup = text === undefined && isGroup(name)
  if (name === GIT_AUTH && !isEmptyGroup) refuse(place, reading, PROVIDERS)
  if (!isSetting(name) && !isEmptyGroup) throw new ConfigError(`${placed(reading, at)}: there is no setting ${key}.`)
  if (text === undefined) return
  if (found.has(name)) refuse(place, reading, 'it stands there twice, in two spellings.')
  found.set(name, { source: `${key} in ${path}`, text })
}

/** Undefined: there is no value. */
function textOf(node: unknown, place: Place, reading: Reading): string | undefined {
  if (node === null || node === undefined) return undefined
  if (!isScalar(node)) return refuse(place, reading, 'a list holds plain values only; those that begin with "*" are put in quotes.')
  const { value, source } = node
  if (value === null) return undefined
  // As it was written: numbers may be longer than what is exact.
  return typeof value === 'string' ? value : source
}

function nameOf(key: string): string {
  return key.toUpperCase().replaceAll('.', '_')
}

function placed({ path, lines }: Reading, at: number): string {
  const { line, col } = lines.linePos(at)
  return `${path}, line ${line}, column ${col}`
}

function refuse({ key, at }: Place, reading: Reading, reason: string): never {
  throw new ConfigError(`${placed(reading, at)}: ${key} cannot be used: ${reason}`)
}
