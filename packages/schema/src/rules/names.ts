/** The pattern of a name (Coder v2 API, v0.13.4). */
export const namePattern = '^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$'
const NAME = new RegExp(namePattern)
/** The maximum length of a name, in characters (Coder v2 API, v0.13.4). */
export const maxNameLength = 32

/**
 * Whether a text can be the name of a user, organization, template, template version or workspace:
 * ASCII letters and digits, with single hyphens between them, no longer than {@link maxNameLength}
 * (Coder v2 API, v0.13.4). Names keep their case; comparisons ignore it.
 */
export function isName(text: string): boolean {
  return text.length <= maxNameLength && NAME.test(text)
}

// Only ASCII white space counts: the reference's regular expressions know no other.
/** Names that a path or a search takes for something else: the caller, a number, an ID. */
const RESERVED_USERNAME = /^(?:me|\d+|[0-9a-f]{32})$/i

/** Whether a text can name a new user: a name, but not "me", a number or 32 hexadecimal digits. */
export function isUsername(text: string): boolean {
  return isName(text) && !RESERVED_USERNAME.test(text)
}

const DISPLAY_NAME = /^[^\t\n\f\r ](?:[^\n]*[^\t\n\f\r ])?$/u
const DISPLAY_NAME_MAX_BYTES = 64

/**
 * Whether a text can be a template's display name: empty, or one line of limited length without
 * white space at its start or end (Coder v2 API, v0.13.4).
 */
export function isTemplateDisplayName(text: string): boolean {
  return text === '' || (new TextEncoder().encode(text).length <= DISPLAY_NAME_MAX_BYTES && DISPLAY_NAME.test(text))
}

const BEYOND_ASCII = '\\u00A0-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFEF'
const ATOM = `[A-Za-z0-9!#$%&'*+/=?^_\`{|}~${BEYOND_ASCII}-]+`
const QUOTED = `"(?:[^"\\\\\\r\\n]|\\\\[^\\r\\n])*"`
const LABEL = `[A-Za-z0-9${BEYOND_ASCII}](?:[A-Za-z0-9${BEYOND_ASCII}-]*[A-Za-z0-9${BEYOND_ASCII}])?`
const LAST_LABEL = `[A-Za-z${BEYOND_ASCII}](?:[A-Za-z0-9${BEYOND_ASCII}-]*[A-Za-z${BEYOND_ASCII}])?`
const EMAIL = new RegExp(`^(?:${ATOM}(?:\\.${ATOM})*|${QUOTED})@(?:${LABEL}\\.)*${LAST_LABEL}\\.?$`, 'u')
const EMAIL_MAX_LENGTH = 320

/**
 * Whether a text is an e-mail address (after Coder v2 API, v0.13.4): dot-separated atoms or one
 * quoted string, `@`, and a domain. Each label of the domain starts and ends with a letter or
 * digit, the last label with a letter. Letters of any script are allowed. The domain may lack a
 * dot, as on a private network, and may end in one. Longer addresses than any mail system accepts
 * are refused.
 */
export function isEmail(text: string): boolean {
  return text.length <= EMAIL_MAX_LENGTH && EMAIL.test(text)
}

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/u

/**
 * Whether a text contains characters that nobody sees or can tell from others, such as controls,
 * zero-width characters, and spaces other than the ASCII one. Two such texts can look the same.
 */
export function hasInvisibleCharacters(text: string): boolean {
  return INVISIBLE.test(text)
}

const APP_SLUG = /^[a-z0-9](?:-?[a-z0-9])*$/

/**
 * Whether a text can be the slug of a workspace app: lower-case ASCII letters and digits, with
 * single hyphens between them (Coder v2 API, v0.13.4).
 */
export function isAppSlug(text: string): boolean {
  return APP_SLUG.test(text)
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/)

const ADJECTIVES = words(`
  able agile amber ample apt awake bold brave breezy bright brisk calm candid clear clever cozy crisp daring deft eager early easy
  fair fleet fond frank fresh gentle glad golden grand happy hardy honest humble jolly keen kind light lively loyal lucid mellow merry
  mighty modest neat nimble noble open patient placid plucky polite proud quick quiet ready regal robust sage serene sharp sleek smart
  snug sound spry steady stout sunny swift tidy trim true upbeat vivid warm wise witty zesty
`)

/** Surnames of mathematicians, engineers, scientists and navigators. */
const SURNAMES = words(`
  abel amundsen babbage baret bering bessemer boole bowditch brunel cabot celsius cook curie darwin dijkstra drake eads edison erdos
  euler faraday fermat fulton galois galton gauss germain goddard hadley halley hamming harrison hertz hooke hopper hubble hudson
  humboldt hypatia johnson kepler knuth kovalevskaya lamarr laplace leavitt liskov lovelace magellan marconi maury maxwell mercator
  morse napier nansen newton noether nobel ohm parsons pascal pasteur perlman planck polo ride ross shannon sommerville stephenson
  tasman telford tesla turing vespucci volta watt wiles zheng zuse
`)

/**
 * Returns a random name such as `brave_turing7`. Because of its underscore, {@link isName} refuses
 * it.
 *
 * @param random returns numbers from 0 up to but not including 1, like `Math.random`.
 */
export function randomName(random: () => number): string {
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? ''
  return `${pick(ADJECTIVES)}_${pick(SURNAMES)}${Math.floor(random() * 10)}`
}

/**
 * Returns a username based on any text, such as a login name at another service (Coder v2 API,
 * v0.13.4): the text itself if it is a valid username, else the part before its last `@` without
 * invalid characters, else a random name.
 *
 * @param random returns numbers from 0 up to but not including 1, like `Math.random`.
 */
export function usernameFrom(text: string, random: () => number): string {
  if (isUsername(text)) return text
  const at = text.lastIndexOf('@')
  const cleaned = (at === -1 ? text : text.slice(0, at)).replaceAll(/[^A-Za-z0-9-]/g, '')
  return isUsername(cleaned) ? cleaned : randomName(random).replaceAll('_', '-')
}

/**
 * Returns the first `maxRunes` characters of a text, counted as Unicode code points, so that none
 * is cut in half.
 */
export function truncateRunes(text: string, maxRunes: number): string {
  if (text.length <= maxRunes) return text
  let end = 0
  for (let runes = 0; runes < maxRunes && end < text.length; runes++) {
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1
  }
  return text.slice(0, end)
}
