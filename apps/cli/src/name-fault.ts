import { isName } from '@berth/schema/rules'

/** Returns why a text can't be the name of a `thing`, such as a workspace; undefined if it can. */
export function nameFault(thing: string, name: string): string | undefined {
  if (isName(name)) return undefined
  return `"${name}" isn't a valid ${thing} name: use up to 32 letters and digits, with single hyphens between them.`
}
