/**
 * Longest target, in characters: room for a command line in a query, far below the limit on
 * headers.
 */
export const maxTargetLength = 8_192

/**
 * Whether a target can be dialled: 1 to 8 192 characters of printable ASCII without spaces. Encode
 * anything else as in a URL.
 */
export function isTarget(target: string): boolean {
  return target.length <= maxTargetLength && /^[\x21-\x7e]+$/.test(target)
}

/** Returns the path of the HTTP/2 request that dials a target. */
export function pathOfTarget(target: string): string {
  return `/${target}`
}

/** Returns the target that a path dials; undefined when the path has no valid one. */
export function targetOfPath(path: string): string | undefined {
  const target = path.slice(1)
  return path.startsWith('/') && isTarget(target) ? target : undefined
}
