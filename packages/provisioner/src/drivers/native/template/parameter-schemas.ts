import type { TemplateParameter } from '@berth/schema'
import type { ParameterSchema } from '../../../parameters.ts'
import { optionTexts, parameterText } from './parameter-values.ts'

/**
 * The longest condition that can be stored (Coder v2 API, v0.13.4). The provisioner checks the
 * value either way.
 */
const maxConditionCharacters = 512

/**
 * Returns the parameters of a native template in wire form. Options become a condition, which
 * existing clients show as a choice.
 */
export function parameterSchemas(parameters: readonly TemplateParameter[]): ParameterSchema[] {
  return parameters.map((parameter) => {
    const condition = optionsCondition(parameter)
    return {
      name: parameter.name,
      description: parameter.description ?? '',
      default_source_scheme: parameter.default === undefined ? 'none' : 'data',
      default_source_value: parameter.default === undefined ? '' : parameterText(parameter.default),
      allow_override_source: parameter.scope !== 'template',
      default_destination_scheme: 'provisioner_variable',
      allow_override_destination: false,
      redisplay_value: parameter.sensitive !== true,
      validation_type_system: condition === '' ? 'none' : 'hcl',
      validation_value_type: parameter.type ?? 'string',
      validation_error: parameter.validation?.error ?? '',
      validation_condition: condition,
      ...(parameter.mutable === false && { mutable: false }),
    }
  })
}

function optionsCondition({ name, options }: TemplateParameter): string {
  if (options === undefined) return ''
  const condition = `contains([${optionTexts(options).map(hclString).join(', ')}], var.${name})`
  return condition.length > maxConditionCharacters ? '' : condition
}

/**
 * Returns a text as an HCL string: quoted like JSON, with the openings `${` and `%{` doubled,
 * because HCL would read them as templates.
 */
function hclString(text: string): string {
  return JSON.stringify(text).replaceAll(/[$%]\{/g, (start) => `${start[0]}${start}`)
}
