/** Longest target, in characters: room for a command line in a query, far below the limit on headers. */
export const maxTargetLength = 8_192

/** Whether a target can be dialled: 1 to 8 192 characters of printable ASCII without spaces. Encode the rest as in a URL. */
export function isTarget(target: string): boolean {
  return target.length <= maxTargetLength && /^[\x21-\x7e]+$/.test(target)
}

/** The path of the HTTP/2 request that asks for a target. */
export function pathOfTarget(target: string): string {
  return `/${target}`
}

/** The target a path asks for; undefined when it is none. */
export function targetOfPath(path: string): string | undefined {
  const target = path.slice(1)
  return path.startsWith('/') && isTarget(target) ? target : undefined
}
