import { ApiError, ConnectionError } from '@berth/sdk'
import { CommandError, loginHint, messageOf, UsageError } from './failures.ts'
import { safeText } from './terminal/safe-text.ts'

/** How many causes `--verbose` prints at most. */
const maxCauses = 5

/**
 * Describes an error: what went wrong, what to do, and a bullet for each refused field. Never a
 * stack.
 */
export function describeFailure(
  error: unknown,
  { verbose, path }: { readonly verbose: boolean; readonly path: readonly string[] },
): string {
  const lines = [headline(error)]
  if (ApiError.is(error)) {
    lines.push(...error.validations.map(({ field, detail }) => `- ${field}: ${detail}`))
    if (verbose) lines.push(`${error.method} ${error.url} returned ${error.status}.`)
    if (verbose && error.detail) lines.push(error.detail)
  } else if (verbose) {
    if (ConnectionError.is(error)) lines.push(`${error.method} ${error.url} failed.`)
    lines.push(...causes(error).map((cause) => `Caused by: ${cause}`))
  }
  if (error instanceof UsageError) lines.push(`Run '${['berth', ...path].join(' ')} --help' for usage.`)
  return safeText(lines.join('\n'))
}

function headline(error: unknown): string {
  if (ApiError.is(error)) {
    const hint = error.status === 401 ? ` ${loginHint}` : ''
    const detail =
      error.detail && error.validations.length === 0 && error.status < 500 && error.status !== 401 ? ` ${fullStop(error.detail)}` : ''
    return `${fullStop(error.message)}${detail}${hint}`
  }
  if (error instanceof CommandError && error.help !== undefined) return `${fullStop(error.message)} ${error.help}`
  return messageOf(error)
}

function fullStop(text: string): string {
  return /[.!?:]$/.test(text) ? text : `${text}.`
}

function causes(error: unknown): string[] {
  const found: string[] = []
  let current = error instanceof Error ? error.cause : undefined
  while (current instanceof Error && found.length < maxCauses) {
    found.push(current.message)
    current = current.cause
  }
  return found
}
