import type { TSchema } from '@sinclair/typebox'
import type { Validation, ValidationRule } from '@berth/schema'
import { ZERO_TIME, goTimeText, isEmail, isName, isTemplateDisplayName, truncateRunes } from '@berth/schema/rules'
import { isRequired, isZero, zeroOf } from './zero-values.ts'

/** A validation rule of a field, or the longest text that its schema allows. */
type Rule = ValidationRule | `max=${number}`

/** Compiles the rules of the top-level fields, in the order of the schema. */
export function ruleChecks(schema: TSchema): ((body: Record<string, unknown>) => Validation[])[] {
  return Object.entries((schema['properties'] ?? {}) as Record<string, TSchema>).flatMap(([name, field]) => {
    const { requiredWithout } = field as { requiredWithout?: string }
    if (requiredWithout !== undefined) {
      const refused = refusal(name, 'required_without', zeroOf(field))
      return [(body) => (isZero(body[name]) && isZero(body[requiredWithout]) ? [refused] : [])]
    }
    const rules = rulesOf(field)
    if (rules.length === 0) return []
    const isOptional = !isRequired(schema, name)
    return [
      (body) => {
        if (isOptional && isZero(body[name])) return []
        const failed = rules.find((rule) => !passes(rule, body[name], field))
        return failed === undefined ? [] : [refusal(name, failed.split('=')[0] ?? failed, body[name])]
      },
    ]
  })
}

function rulesOf(field: TSchema): readonly Rule[] {
  const { rules = [], maxLength } = field as { rules?: readonly ValidationRule[]; maxLength?: number }
  return maxLength === undefined ? rules : [...rules, `max=${maxLength}`]
}

function refusal(field: string, tag: string, value: unknown): Validation {
  return { field, detail: `Validation failed for tag "${tag}" with value: "${printed(value)}"` }
}

function printed(value: unknown): string {
  if (typeof value !== 'string') return value === undefined ? '' : JSON.stringify(value)
  return value === ZERO_TIME ? goTimeText(value) : value
}

function passes(rule: Rule, value: unknown, field: TSchema): boolean {
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
      return rule.startsWith('max=') ? hasAtMost(text, Number(rule.slice('max='.length))) : text === rule.slice('eq='.length)
  }
}

function hasAtMost(text: string, runes: number): boolean {
  return truncateRunes(text, runes) === text
}
