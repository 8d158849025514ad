/** A request target with scheme and host, as proxies may send it. */
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i

/** The path of a request target as it was written, without host and query. */
export function pathOf(target = ''): string {
  return target.replace(ABSOLUTE, '').split(/[?#]/, 1)[0] ?? ''
}

/** The query of a request target. Unlike `URL`, it reads every target that a client may send. */
export function queryOf(target = ''): URLSearchParams {
  const [beforeFragment = ''] = target.split('#', 1)
  const mark = beforeFragment.indexOf('?')
  return new URLSearchParams(mark < 0 ? '' : beforeFragment.slice(mark + 1))
}
