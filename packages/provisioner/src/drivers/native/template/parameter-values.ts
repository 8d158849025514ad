import { runInNewContext } from 'node:vm'
import type { TemplateParameter } from '@berth/schema'
import type { ParameterValue } from '../../../parameters.ts'
import { ProvisionError } from '../../../driver.ts'

const maxValueCharacters = 65_536
const maxMatchMs = 100

/** Returns a default or an option's value as text, as the wire has it. */
export function parameterText(value: string | number | boolean): string {
  return String(value)
}

/**
 * Checks a text against the type, the options and the limits of a parameter. Returns what is wrong
 * and what is accepted, as the rest of a sentence; undefined if the text is valid.
 */
export function checkParameterText(parameter: TemplateParameter, text: string): string | undefined {
  const { type = 'string', options } = parameter
  if (text.length > maxValueCharacters) return `is longer than ${maxValueCharacters} characters`
  if (type === 'number' && !isNumberText(text)) return `is ${shown(parameter, text)}; it must be a number`
  if (type === 'bool' && text !== 'true' && text !== 'false') return `is ${shown(parameter, text)}; it must be true or false`
  if (options !== undefined && !options.some(({ value }) => parameterText(value) === text)) {
    return `is ${shown(parameter, text)}; it must be one of: ${options.map(({ value }) => parameterText(value)).join(', ')}`
  }
  return checkLimits(parameter, text)
}

/**
 * Returns the value of each parameter of a template: the given one, or the default. Ignores names
 * that the template doesn't have. Throws {@link ProvisionError} naming every parameter whose value
 * is missing or invalid.
 */
export function resolveParameters(
  parameters: readonly TemplateParameter[],
  given: readonly Pick<ParameterValue, 'name' | 'value'>[],
): ReadonlyMap<string, string> {
  const values = new Map(given.map(({ name, value }) => [name, value]))
  const problems: string[] = []
  const resolved = new Map<string, string>()
  for (const parameter of parameters) {
    const text = values.get(parameter.name) ?? (parameter.default === undefined ? undefined : parameterText(parameter.default))
    const problem = text === undefined ? 'has no value; give it one' : checkParameterText(parameter, text)
    if (problem !== undefined) problems.push(`parameter ${JSON.stringify(parameter.name)} ${problem}`)
    else if (text !== undefined) resolved.set(parameter.name, text)
  }
  if (problems.length > 0) throw new ProvisionError(problems.join('\n'))
  return resolved
}

/** Returns the syntax error of a regular expression, undefined if it has none. */
export function checkRegex(source: string): string | undefined {
  try {
    RegExp(source, 'u')
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function checkLimits(parameter: TemplateParameter, text: string): string | undefined {
  const { min, max, regex, error } = parameter.validation ?? {}
  const say = (limit: string): string => `is ${shown(parameter, text)}; ${error ?? limit}`
  if (min !== undefined && Number(text) < min) return say(`it must be ${min} or more`)
  if (max !== undefined && Number(text) > max) return say(`it must be ${max} or less`)
  if (regex === undefined || matches(regex, text)) return undefined
  return say(`it must match ${regex}`)
}

/**
 * Tests a regular expression with a time limit, since some take practically for ever. A timeout
 * counts as no match.
 */
function matches(regex: string, text: string): boolean {
  try {
    return runInNewContext('new RegExp(regex, "u").test(text)', { regex, text }, { timeout: maxMatchMs }) === true
  } catch {
    return false
  }
}

function isNumberText(text: string): boolean {
  return /^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text) && Number.isFinite(Number(text))
}

function shown({ sensitive }: TemplateParameter, text: string): string {
  return sensitive === true ? 'a hidden value' : JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)
}
