import { Failure, parameterScopes } from '@berth/schema'
import { WireValueError, parseInt32Text, parseUuid } from '@berth/schema/rules'

type Spelling = (text: string) => string

export type ParameterScope = (typeof parameterScopes)[number]

/**
 * Checks how a path parameter is written, and returns the text to look up. Other parameters are
 * taken as they are.
 */
export const spellings: Readonly<Record<string, Spelling>> = {
  ...Object.fromEntries(
    ['organization', 'file', 'template', 'templateversion', 'dryrun', 'group', 'workspace', 'workspacebuild', 'workspaceagent'].map(
      (name) => [name, uuidOf(name)],
    ),
  ),
  user: userText,
  buildnumber: buildNumber,
  parameterscope: readScope,
  scoped: scopedId,
}

function uuidOf(name: string): Spelling {
  return (text) =>
    readText(
      () => parseUuid(text),
      ({ message }) => new Failure('invalid_uuid', { message: `Invalid UUID ${JSON.stringify(name)}.`, detail: message }),
    )
}

function scopedId(text: string): string {
  return readText(
    () => parseUuid(text),
    ({ message }) =>
      new Failure('invalid_uuid', {
        message: `Invalid UUID ${JSON.stringify(text)}.`,
        validations: [{ field: 'id', detail: message }],
      }),
  )
}

function userText(text: string): string {
  if (text === '') throw new Failure('invalid_user')
  return text
}

function buildNumber(text: string): string {
  return readText(
    () => String(parseInt32Text(text)),
    ({ message }) => new Failure('invalid_build_number', { detail: message }),
  )
}

/** Returns the parameter scope of this name. Throws `validation_failed`. */
export function readScope(text: string): ParameterScope {
  const scope = parameterScopes.find((known) => known === text)
  if (scope !== undefined) return scope
  throw new Failure('validation_failed', {
    message: `There is no parameter scope ${JSON.stringify(text)}.`,
    validations: [{ field: 'scope', detail: `Must be one of ${parameterScopes.join(', ')}` }],
  })
}

function readText(read: () => string, refusal: (error: WireValueError) => Failure): string {
  try {
    return read()
  } catch (error) {
    throw error instanceof WireValueError ? refusal(error) : error
  }
}
