import { Type } from '@sinclair/typebox'

/** Refuses unknown keys. */
export const closed = { additionalProperties: false } as const

const references = 'May contain references such as ${{ workspace.name }}.'

/** Text in which references such as `${{ parameters.x }}` and `${{ workspace.x }}` are replaced. */
export const Filled = (description: string, options: { readonly maxLength?: number } = {}) =>
  Type.String({ ...options, description: `${description} ${references}`, 'x-filled': true })

/**
 * A scalar that is read as the text it is written as: `8080` is `"8080"`. References in it are
 * replaced.
 */
export const FilledScalar = (description: string) =>
  Type.Union([Type.String(), Type.Number(), Type.Boolean()], {
    description: `${description} ${references}`,
    'x-filled': true,
  })
