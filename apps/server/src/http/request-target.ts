/** The scheme and host of a request target, which proxies may send. */
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/** Returns the path of a request target as the client spelled it. */
export function pathOf(target = ''): string {
  return target.replace(ABSOLUTE, '').split(/[?#]/, 1)[0] ?? ''
}

/**
 * Returns the query of a request target. Unlike `URL`, it reads any target that a client may send.
 */
export function queryOf(target = ''): URLSearchParams {
  return new URLSearchParams(queryTextOf(target))
}

/** Returns the query of a request target as the client spelled it: empty, or with its mark. */
export function queryTextOf(target = ''): string {
  const [beforeFragment = ''] = target.split('#', 1)
  const mark = beforeFragment.indexOf('?')
  return mark < 0 ? '' : beforeFragment.slice(mark)
}
