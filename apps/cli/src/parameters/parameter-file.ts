import { readFile } from 'node:fs/promises'
import { CommandError, messageOf } from '../failures.ts'

/** Parameter values by name. */
export type ParameterValues = Readonly<Record<string, string>>

/** Reads a parameter file. Without a path, there are no values. */
export async function readParameterFile(path: string | undefined): Promise<ParameterValues> {
  if (path === undefined) return {}
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CommandError(`Can't read the parameter file ${path}: ${messageOf(error)}`, { cause: error })
  })
  return parseParameters(text, path)
}

/**
 * Parses names and values: a JSON object, or one level of YAML with `name: value` on each line.
 * Values
 * may be quoted. Multi-line values need JSON.
 *
 * @param source name of the file, for errors.
 */
export function parseParameters(text: string, source: string): ParameterValues {
  if (text.trimStart().startsWith('{')) return parseJsonParameters(text, source)
  const values: Record<string, string> = {}
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (/^\s*(?:#.*)?$/.test(line) || line === '---') continue
    const match = /^(?<name>"[^"]+"|'[^']+'|[^\s:#'"][^:#]*?)\s*:(?:\s+(?<value>.*))?$/.exec(line)
    const name = match?.groups?.['name']?.replaceAll(/^["']|["']$/g, '')
    const value = scalar(match?.groups?.['value'] ?? '')
    if (name === undefined || value === undefined) {
      throw new CommandError(`${source}:${index + 1}: expected "name: value", not "${line.trim()}".`, {
        help: 'For lists and multi-line values, use a JSON file.',
      })
    }
    values[name] = value
  }
  return values
}

/** Reads a YAML scalar. Returns undefined for lists, maps, blocks and unclosed quotes. */
function scalar(raw: string): string | undefined {
  const text = raw.trim()
  const double = /^("(?:[^"\\]|\\.)*")\s*(?:#.*)?$/.exec(text)?.[1]
  if (double !== undefined) {
    try {
      return String(JSON.parse(double))
    } catch {
      return undefined
    }
  }
  const single = /^'((?:[^']|'')*)'\s*(?:#.*)?$/.exec(text)?.[1]
  if (single !== undefined) return single.replaceAll("''", "'")
  if (/^["'[{|>&*!%@`]/.test(text)) return undefined
  return text.replace(/(?:^|\s+)#.*$/, '')
}

function parseJsonParameters(text: string, source: string): ParameterValues {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new CommandError(`${source} isn't valid JSON: ${messageOf(error)}`, { cause: error })
  }
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([name, entry]: [string, unknown]) => {
      if (typeof entry === 'string') return [name, entry]
      if (typeof entry === 'number' || typeof entry === 'boolean') return [name, String(entry)]
      throw new CommandError(`${source}: the value of "${name}" must be a string, a number or a boolean.`)
    }),
  )
}
