import type { TSchema } from '@sinclair/typebox'
import type { Validation, ValidationRule } from '@berth/schema'
import { ZERO_TIME, goTimeText, isEmail, isName, isTemplateDisplayName, truncateRunes } from '@berth/schema/rules'
import { boundsCheck, shownText } from './field-bounds.ts'
import { isRequired, isZero, zeroOf } from './zero-values.ts'

/**
 * Compiles the rules of the top-level fields and the bounds of everything below them, in the order
 * of the schema.
 */
export function ruleChecks(schema: TSchema): ((body: Record<string, unknown>) => Validation[])[] {
  return Object.entries((schema['properties'] ?? {}) as Record<string, TSchema>).flatMap(([name, field]) => {
    const { requiredWithout, rules = [] } = field as { requiredWithout?: string; rules?: readonly ValidationRule[] }
    const exceeded = boundsCheck(field)
    const isOptional = !isRequired(schema, name)
    return [
      (body) => {
        const value = body[name]
        if (requiredWithout !== undefined && isZero(value) && isZero(body[requiredWithout]))
          return [refusal(name, 'required_without', zeroOf(field))]
        if (isOptional && isZero(value)) return []
        const failed = rules.find((rule) => !passes(rule, value, field))
        if (failed !== undefined) return [refusal(name, failed.split('=')[0] ?? failed, value)]
        const refused = exceeded?.(value, name)
        return refused === undefined ? [] : [refused]
      },
    ]
  })
}

function refusal(field: string, tag: string, value: unknown): Validation {
  return { field, detail: `Validation failed for tag "${tag}" with value: "${printed(value)}"` }
}

function printed(value: unknown): string {
  if (typeof value !== 'string') return value === undefined ? '' : JSON.stringify(value)
  return value === ZERO_TIME ? goTimeText(value) : shownText(value)
}

function passes(rule: ValidationRule, value: unknown, field: TSchema): boolean {
  const text = typeof value === 'string' ? value : ''
  switch (rule) {
    case 'required':
      return !isZero(value)
    case 'email':
      return isEmail(text)
    case 'username':
    case 'workspace_name':
    case 'template_name':
      return isName(text)
    case 'template_display_name':
      return isTemplateDisplayName(text)
    case 'lt=128':
      return hasAtMost(text, 127)
    case 'oneof':
      return (field['enum'] as readonly string[]).includes(text)
    default:
      return text === rule.slice('eq='.length)
  }
}

function hasAtMost(text: string, runes: number): boolean {
  return truncateRunes(text, runes) === text
}
