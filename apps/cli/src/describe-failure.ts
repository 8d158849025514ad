import { ApiError, ConnectionError } from '@berth/sdk'
import { CommandError, loginHint, messageOf, UsageError } from './failures.ts'
import { safeText } from './terminal/safe-text.ts'

/** How many causes `--verbose` prints at most. */
const maxCauses = 5

/**
 * Describes an error: what went wrong, what to do, and a bullet for each refused field. Never a
 * stack. `hasGivenToken` says whether the session token is from a flag or variable, not from a
 * login.
 */
export function describeFailure(
  error: unknown,
  { verbose, path, hasGivenToken }: { readonly verbose: boolean; readonly path: readonly string[]; readonly hasGivenToken: boolean },
): string {
  const lines = [ApiError.is(error, 401) ? refusedSession(error, hasGivenToken) : headline(error)]
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
    const detail = error.detail && error.validations.length === 0 && error.status < 500 ? ` ${fullStop(error.detail)}` : ''
    return `${fullStop(error.message)}${detail}`
  }
  if (error instanceof CommandError && error.help !== undefined) return `${fullStop(error.message)} ${error.help}`
  return messageOf(error)
}

/** Says which token the server refused, because the two need different remedies. */
function refusedSession({ message, url }: ApiError, hasGivenToken: boolean): string {
  const [deployment = ''] = url.split('/api/v2')
  if (!hasGivenToken) return `${fullStop(message)} ${loginHint(deployment)}`
  return [
    `${deployment} refused the token in --token or BERTH_SESSION_TOKEN: it is wrong, has expired or was revoked.`,
    `Pass another one, or leave it out and log in using 'berth login ${deployment}'.`,
  ].join(' ')
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
