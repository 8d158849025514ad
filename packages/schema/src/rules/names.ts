const NAME = /^[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*$/
const NAME_MAX_BYTES = 32

/**
 * Whether a text can name a user, organization, template, template version or workspace: 1 to 32 ASCII letters and digits, with single
 * hyphens between them only (Coder v2 API, v0.13.4). Names keep their case and are compared without it.
 */
export function isName(text: string): boolean {
  return text.length <= NAME_MAX_BYTES && NAME.test(text)
}

// Blanks are the ASCII ones: the rule's dialect of regular expressions knows no others.
const DISPLAY_NAME = /^[^\t\n\f\r ](?:[^\n]*[^\t\n\f\r ])?$/u
const DISPLAY_NAME_MAX_BYTES = 64

/**
 * Whether a text can be a template's display name: empty, or up to 64 bytes of UTF-8 in one line that neither begins nor ends with a blank
 * (Coder v2 API, v0.13.4).
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
 * Whether a text can be an e-mail address: dot-separated atoms or one quoted string, `@`, and a domain of labels that begin and end with a
 * letter or digit, the last of them with a letter. Letters may be of any script; a domain without a dot will do, as on a network of
 * one's own; a dot may end it (after Coder v2 API, v0.13.4). No more than 320 characters: no mail system takes more.
 */
export function isEmail(text: string): boolean {
  return text.length <= EMAIL_MAX_LENGTH && EMAIL.test(text)
}

const APP_SLUG = /^[a-z0-9](?:-?[a-z0-9])*$/

/**
 * Whether a text can be the slug of a workspace app: lower-case ASCII letters and digits, with single hyphens between them only
 * (Coder v2 API, v0.13.4).
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

/** Surnames of people who charted, sailed, engineered or computed. */
const SURNAMES = words(`
  abel amundsen babbage baret bering bessemer boole bowditch brunel cabot celsius cook curie darwin dijkstra drake eads edison erdos
  euler faraday fermat fulton galois galton gauss germain goddard hadley halley hamming harrison hertz hooke hopper hubble hudson
  humboldt hypatia johnson kepler knuth kovalevskaya lamarr laplace leavitt liskov lovelace magellan marconi maury maxwell mercator
  morse napier nansen newton noether nobel ohm parsons pascal pasteur perlman planck polo ride ross shannon sommerville stephenson
  tasman telford tesla turing vespucci volta watt wiles zheng zuse
`)

/**
 * A name for what nobody named, as `adjective_surname7`. With its underscore it isn't a name by {@link isName}.
 *
 * @param random gives numbers from 0 up to but not including 1, as `Math.random` does.
 */
export function randomName(random: () => number): string {
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)] ?? ''
  return `${pick(ADJECTIVES)}_${pick(SURNAMES)}${Math.floor(random() * 10)}`
}

/**
 * Makes a username of any text, such as the login of another service: the text itself if it is a name, else what is before its last `@`
 * without the characters a name can't have, else a random name (Coder v2 API, v0.13.4).
 *
 * @param random gives numbers from 0 up to but not including 1, as `Math.random` does.
 */
export function usernameFrom(text: string, random: () => number): string {
  if (isName(text)) return text
  const at = text.lastIndexOf('@')
  const cleaned = (at === -1 ? text : text.slice(0, at)).replaceAll(/[^A-Za-z0-9-]/g, '')
  return isName(cleaned) ? cleaned : randomName(random).replaceAll('_', '-')
}

/** Cuts a text after so many characters, counted as Unicode code points, so that none is cut in half. */
export function truncateRunes(text: string, maxRunes: number): string {
  if (text.length <= maxRunes) return text
  let end = 0
  for (let runes = 0; runes < maxRunes && end < text.length; runes++) {
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1
  }
  return text.slice(0, end)
}
