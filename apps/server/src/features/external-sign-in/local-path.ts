const BASE = 'http://deployment.invalid'

/**
 * Returns the path, query and fragment that a text leads to on this deployment; `/` when it leads
 * elsewhere.
 *
 * The text is parsed the way a browser does. Checking the first character isn't enough: a browser
 * reads `//host`, `/\host` and text with line breaks as other hosts.
 *
 * @param accessUrl - Absolute URLs with this origin are local too.
 */
export function localPath(text: string, accessUrl: string): string {
  if (!text.startsWith('/') && !URL.canParse(text)) return '/'
  const base = text.startsWith('/') ? BASE : new URL(accessUrl).origin
  if (!URL.canParse(text, base)) return '/'
  const { origin, pathname, search, hash } = new URL(text, base)
  // The next reader would take a path that starts with two slashes for a host.
  if (origin !== base || pathname.startsWith('//')) return '/'
  return `${pathname}${search}${hash}`.replaceAll(';', '%3B')
}
