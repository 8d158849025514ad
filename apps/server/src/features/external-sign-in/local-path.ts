const BASE = 'http://deployment.invalid'

/**
 * The path, with query and fragment, that a text leads to on this deployment; `/` for whatever leads elsewhere.
 *
 * A browser reads `//host`, `/\host` and texts with line breaks in them as other places than a look at their first character tells, so the text is read as
 * a browser reads it.
 *
 * @param accessUrl Absolute URLs below it are of this deployment too.
 */
export function localPath(text: string, accessUrl: string): string {
  if (!text.startsWith('/') && !URL.canParse(text)) return '/'
  const base = text.startsWith('/') ? BASE : new URL(accessUrl).origin
  if (!URL.canParse(text, base)) return '/'
  const { origin, pathname, search, hash } = new URL(text, base)
  // A path that begins with two slashes is another host to whoever reads it next.
  if (origin !== base || pathname.startsWith('//')) return '/'
  return `${pathname}${search}${hash}`.replaceAll(';', '%3B')
}
