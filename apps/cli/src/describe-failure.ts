import { ApiError, ConnectionError } from '@berth/sdk'
import { CommandError, UsageError } from './failures.ts'
import { safeText } from './terminal/safe-text.ts'

/** Words an error for people: what was wrong, what to do, one bullet for each refused field. Never a stack. */
export function describeFailure(
  error: unknown,
  { verbose, path }: { readonly verbose: boolean; readonly path: readonly string[] },
): string {
  const lines = [headline(error)]
  if (ApiError.is(error)) {
    lines.push(...error.validations.map(({ field, detail }) => `- ${field}: ${detail}`))
    if (verbose) lines.push(`${error.method} ${error.url} answered ${error.status}.`)
    if (verbose && error.detail) lines.push(error.detail)
  } else if (verbose) {
    if (ConnectionError.is(error)) lines.push(`While asking ${error.method} ${error.url}.`)
    lines.push(...causes(error).map((cause) => `Caused by: ${cause}`))
  }
  if (error instanceof UsageError) lines.push(`Run '${['berth', ...path].join(' ')} --help' for usage.`)
  return safeText(lines.join('\n'))
}

function headline(error: unknown): string {
  if (ApiError.is(error)) {
    const helper = error.status === 401 ? " Try logging in using 'berth login <url>'." : ''
    const detail =
      error.detail && error.validations.length === 0 && error.status < 500 && error.status !== 401 ? ` ${fullStop(error.detail)}` : ''
    return `${fullStop(error.message)}${detail}${helper}`
  }
  if (error instanceof CommandError) return error.help === undefined ? error.message : `${fullStop(error.message)} ${error.help}`
  return error instanceof Error ? error.message : String(error)
}

function fullStop(text: string): string {
  return /[.!?:]$/.test(text) ? text : `${text}.`
}

function causes(error: unknown): string[] {
  const found: string[] = []
  let current = error instanceof Error ? error.cause : undefined
  while (current instanceof Error && found.length < 5) {
    found.push(current.message)
    current = current.cause
  }
  return found
}
