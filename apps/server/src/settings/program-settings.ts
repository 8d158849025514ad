import { settings, type Setting, type SettingKey, type SettingRowAt } from '@berth/schema'
import { nearest } from '@berth/provisioner/nearest'
import { ConfigError } from './config-error.ts'
import type { Given } from './given-settings.ts'

type FlagOf<Row> = Row extends { flag: infer Flag extends string } ? Flag : Row extends { path: infer Path extends string } ? Path : never

type CamelCase<Text extends string> = Text extends `${infer Head}${'-' | '_' | '.'}${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Text

/**
 * The name that a program uses for a setting. Numbered settings and those without a flag have none.
 */
type NameOf<Key extends SettingKey> =
  SettingRowAt<Key> extends { kind: 'gitauth[]' } | { flag: '' } | { unavailable: true } ? never : CamelCase<FlagOf<SettingRowAt<Key>>>

interface ValueOfKind {
  string: string
  bool: boolean
  int: number
  duration: string
  'string[]': readonly string[]
  'gitauth[]': never
}

/**
 * Settings that a program gives. The name of each is that of its flag in camelCase: `--data-dir` is
 * `dataDir`. A duration is a text such as `90s` or `2h`. A setting that is absent has its default.
 */
export type ServerSettings = {
  readonly [Key in SettingKey as NameOf<Key>]?: ValueOfKind[SettingRowAt<Key>['kind']] | undefined
}

/**
 * Returns the texts of a program's settings, by the name of the setting.
 *
 * @throws ConfigError for a name that no setting has.
 */
export function readProgramSettings(given: ServerSettings): ReadonlyMap<string, Given> {
  const known = new Map(Object.values(settings).flatMap((setting) => (hasName(setting) ? [[nameOf(setting), setting] as const] : [])))
  const texts = new Map<string, Given>()
  for (const [source, value] of Object.entries<unknown>(given)) {
    const setting = known.get(source)
    if (setting === undefined) throw new ConfigError(`There is no setting "${source}".${suggestion(source, [...known.keys()])}`)
    if (value !== undefined) texts.set(setting.name, { source, text: textOf(source, value) })
  }
  return texts
}

function hasName({ flag, kind, unavailable }: Setting): boolean {
  return flag !== '' && kind !== 'gitauth[]' && !unavailable
}

function nameOf({ flag }: Setting): string {
  return flag.replace(/[-_.](.)/g, (_match, letter: string) => letter.toUpperCase())
}

function suggestion(name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  return meant === undefined ? ' The names are those of the flags of berth-server --help, in camelCase.' : ` Did you mean "${meant}"?`
}

function textOf(source: string, value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value.join(',')
  throw new ConfigError(`${source} cannot be used: write a text, a number, true or false, or a list of texts.`)
}
