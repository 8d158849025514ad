import { Type } from '@sinclair/typebox'

/** No other keys than those listed are read. */
export const closed = { additionalProperties: false } as const

/** Text in which `${{ parameters.x }}` and `${{ workspace.x }}` are filled in. */
export const Filled = (description: string, options: { readonly maxLength?: number } = {}) =>
  Type.String({ ...options, description: `${description} References like \${{ workspace.name }} are filled in.`, 'x-filled': true })

/** A scalar that is read as text, as it is written: `8080` is `"8080"`. */
export const FilledScalar = (description: string) =>
  Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
    description: `${description} References like \${{ workspace.name }} are filled in.`,
    'x-filled': true,
  })
