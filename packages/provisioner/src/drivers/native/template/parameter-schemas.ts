import type { TemplateParameter } from '@berth/schema'
import type { ParameterSchema } from '../../../parameters.ts'
import { parameterText } from './parameter-values.ts'

/** A longer condition can't be stored (Coder v2 API, v0.13.4). The value is checked by the provisioner all the same. */
const maxConditionCharacters = 512

/** The parameters of a native template as the wire has them. Options become a condition that existing clients show as a choice. */
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
  const condition = `contains([${options.map(({ value }) => hclString(parameterText(value))).join(', ')}], var.${name})`
  return condition.length > maxConditionCharacters ? '' : condition
}

/** HCL quotes like JSON, and has templates in `${…}` and `%{…}` whose openings are doubled to mean themselves. */
function hclString(text: string): string {
  return JSON.stringify(text).replaceAll(/[$%]\{/g, (start) => `${start[0]}${start}`)
}
