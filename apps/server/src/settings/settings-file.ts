import { join } from 'node:path'
import { settings, type Setting } from '@berth/schema'
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { ConfigError } from './config-error.ts'
import type { Given } from './given-settings.ts'

/** A YAML file with settings. */
export interface SettingsFile {
  readonly path: string
  readonly text: string
}

/**
 * Returns the path of the settings file, in the directory that the Coder v2 API, v0.13.4, also
 * uses.
 */
export function settingsFilePath(
  environment: Readonly<Record<string, string | undefined>>,
  { homeDirectory }: { readonly homeDirectory: string },
): string {
  const base = environment['XDG_CONFIG_HOME'] || join(homeDirectory, '.config')
  return join(environment['BERTH_CONFIG_DIR'] || environment['CODER_CONFIG_DIR'] || join(base, 'coderv2'), 'server.yaml')
}

const { name: GIT_AUTH, fields: GIT_AUTH_FIELDS = [] } = settings.gitAuth
/** A field of a Git provider, by the name of its numbered variable. */
const GIT_AUTH_FIELD = new RegExp(`^${GIT_AUTH}_\\d+_(?:${GIT_AUTH_FIELDS.join('|')})$`)

const PROVIDERS = 'it needs a list of providers, each with keys such as id, type and client_id.'

interface Reading {
  readonly path: string
  readonly lines: LineCounter
  readonly isSetting: (name: string) => boolean
  /** Whether this is the name of a setting, or the beginning of one. */
  readonly isGroup: (name: string) => boolean
  readonly found: Map<string, Given>
}

/** A value, the keys that lead to it, and the offset of the last of them in the text. */
interface Place {
  readonly node: unknown
  readonly key: string
  readonly at: number
}

/**
 * Reads a settings file. The keys that lead to a value, in capitals and joined by underscores, are
 * the name of the setting. The items of a list are joined by commas. A key without a value counts
 * as absent.
 *
 * @returns The texts by the name of the setting.
 * @throws ConfigError with one line that names the file and the place in it, and shows no value.
 */
export function readSettingsFile({ path, text }: SettingsFile, known: readonly Setting[]): ReadonlyMap<string, Given> {
  const names = new Set(known.filter(({ fields }) => fields === undefined).map(({ name }) => name))
  const lines = new LineCounter()
  // The parser's own messages quote the text, which holds secrets.
  const { errors, contents } = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: 'silent', stringKeys: true })
  const isSetting = (name: string): boolean => names.has(name) || GIT_AUTH_FIELD.test(name)
  const isGroup = (name: string): boolean => [...names, GIT_AUTH].some((other) => other === name || other.startsWith(`${name}_`))
  const reading: Reading = { path, lines, isSetting, isGroup, found: new Map() }
  const [error] = errors
  if (error !== undefined)
    throw new ConfigError(`${placed(reading, error.pos[0])} is not YAML (${error.code.toLowerCase().replaceAll('_', ' ')}).`)
  if (contents === null || (isScalar(contents) && contents.value === null)) return reading.found
  if (!isMap(contents)) throw new ConfigError(`${path} cannot be used: it contains no settings. Write each as key: value.`)
  readNode({ node: contents, key: '', at: 0 }, reading)
  return reading.found
}

function readNode(place: Place, reading: Reading): void {
  const { node, key, at } = place
  if (isAlias(node)) refuse(place, reading, 'its value begins with "*", which is a reference in YAML. Put it in quotes.')
  if (nameOf(key) === GIT_AUTH && isSeq(node))
    for (const [index, item] of node.items.entries()) {
      if (!isMap(item)) refuse(place, reading, PROVIDERS)
      readNode({ node: item, key: `${key}.${index}`, at }, reading)
    }
  else if (!isMap(node)) readLeaf(place, reading)
  else if (reading.isSetting(nameOf(key))) refuse(place, reading, 'it takes one value, and no keys below it.')
  else
    for (const pair of node.items) {
      if (!isScalar(pair.key)) refuse(place, reading, 'a key below it is not a plain word.')
      const word = String(pair.key.value)
      readNode({ node: pair.value, key: key === '' ? word : `${key}.${word}`, at: pair.key.range?.[0] ?? at }, reading)
    }
}

function readLeaf(place: Place, reading: Reading): void {
  const { node, key, at } = place
  const { found, path, isSetting, isGroup } = reading
  const name = nameOf(key)
  const text = isSeq(node) ? node.items.map((item) => textOf(item, place, reading) ?? '').join(',') : textOf(node, place, reading)
  // If all settings of a group are commented out, its key remains.
  const isEmptyGroup = text === undefined && isGroup(name)
  if (name === GIT_AUTH && !isEmptyGroup) refuse(place, reading, PROVIDERS)
  if (!isSetting(name) && !isEmptyGroup) throw new ConfigError(`${placed(reading, at)}: there is no setting ${key}.`)
  if (text === undefined) return
  if (found.has(name)) refuse(place, reading, 'the file has it twice, in different spellings.')
  found.set(name, { source: `${key} in ${path}`, text })
}

/** Returns undefined for a missing value. */
function textOf(node: unknown, place: Place, reading: Reading): string | undefined {
  if (node === null || node === undefined) return undefined
  if (!isScalar(node)) return refuse(place, reading, 'its list may hold plain values only. Put values that begin with "*" in quotes.')
  const { value, source } = node
  if (value === null) return undefined
  // A number keeps its spelling, because it may have more digits than JavaScript can represent.
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
