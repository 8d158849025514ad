import { readFile } from 'node:fs/promises'
import { CommandError } from './failures.ts'

/** Values of parameters by name. */
export type ParameterValues = Readonly<Record<string, string>>

/** Reads a parameter file; no file, no values. */
export async function readParameterFile(path: string | undefined): Promise<ParameterValues> {
  if (path === undefined) return {}
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new CommandError(`The parameter file ${path} can't be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  })
  return parseParameters(text, path)
}

/**
 * Reads names and values: either a JSON object, or YAML of one level, `name: value` on each line, values bare or in quotes. Values of more
 * than one line are for JSON.
 *
 * @param source named in errors.
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
      throw new CommandError(`${source}:${index + 1}: "${line.trim()}" is not "name: value".`, {
        help: 'Values of more than one line can be given in a JSON file.',
      })
    }
    values[name] = value
  }
  return values
}

/** A YAML scalar on one line; undefined for lists, maps, blocks and unfinished quotes. */
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
    throw new CommandError(`${source} is not JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  return Object.fromEntries(
    Object.entries(value ?? {}).map(([name, entry]: [string, unknown]) => {
      if (typeof entry === 'string') return [name, entry]
      if (typeof entry === 'number' || typeof entry === 'boolean') return [name, String(entry)]
      throw new CommandError(`${source}: the value of "${name}" is neither text nor number nor true nor false.`)
    }),
  )
}
