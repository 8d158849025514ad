import { setImmediate as pause } from 'node:timers/promises'
import type { TemplateParameter } from '@berth/schema'
import type { ParameterValue } from '../../../parameters.ts'
import { ProvisionError } from '../../../driver.ts'
import { compileRegex } from './linear-regex.ts'
import { quote } from './quote.ts'

const maxValueCharacters = 65_536

type Scalar = string | number | boolean
type Options = NonNullable<TemplateParameter['options']>

/** Returns a default or an option's value as text, as the wire has it. */
export function parameterText(value: Scalar): string {
  return String(value)
}

/** Returns the value of an option, undefined if it could not be read. */
export function optionValue(option: Options[number] | undefined): Scalar | undefined {
  return typeof option === 'object' ? option.value : option
}

/** Returns the texts that the options of a parameter accept. */
export function optionTexts(options: Options): string[] {
  return options.map(optionValue).flatMap((value) => (value === undefined ? [] : [parameterText(value)]))
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
  if (options !== undefined && !optionTexts(options).includes(text))
    return `is ${shown(parameter, text)}; it must be one of: ${optionTexts(options).join(', ')}`
  return checkLimits(parameter, text)
}

/**
 * Returns the value of each parameter of a template: the given one, or the default. Ignores names
 * that the template doesn't have. Checks them in turns with other work. Throws
 * {@link ProvisionError} naming every parameter whose value is missing or invalid.
 */
export async function resolveParameters(
  parameters: readonly TemplateParameter[],
  given: readonly Pick<ParameterValue, 'name' | 'value'>[],
): Promise<ReadonlyMap<string, string>> {
  const values = new Map(given.map(({ name, value }) => [name, value]))
  const problems: string[] = []
  const resolved = new Map<string, string>()
  for (const parameter of parameters) {
    if (parameter.validation?.regex !== undefined) await pause()
    const text = values.get(parameter.name) ?? (parameter.default === undefined ? undefined : parameterText(parameter.default))
    const problem = text === undefined ? 'has no value; give it one' : checkParameterText(parameter, text)
    if (problem !== undefined) problems.push(`parameter ${JSON.stringify(parameter.name)} ${problem}`)
    else if (text !== undefined) resolved.set(parameter.name, text)
  }
  if (problems.length > 0) throw new ProvisionError(problems.join('\n'))
  return resolved
}

function checkLimits(parameter: TemplateParameter, text: string): string | undefined {
  const { min, max, regex, error } = parameter.validation ?? {}
  const say = (limit: string): string => `is ${shown(parameter, text)}; ${error ?? limit}`
  if (min !== undefined && Number(text) < min) return say(`it must be ${min} or more`)
  if (max !== undefined && Number(text) > max) return say(`it must be ${max} or less`)
  if (regex === undefined) return undefined
  const { test, maxCharacters } = compileRegex(regex)
  if (text.length > maxCharacters) return `is longer than ${maxCharacters} characters, the most that its regular expression is tested on`
  return test(text) ? undefined : say(`it must match ${regex}`)
}

function isNumberText(text: string): boolean {
  return /^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$/.test(text) && Number.isFinite(Number(text))
}

function shown({ sensitive }: TemplateParameter, text: string): string {
  return sensitive === true ? 'a hidden value' : quote(text)
}
