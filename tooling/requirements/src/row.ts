/** An observable rule that Berth keeps, and its source. */
export interface Requirement<Id extends string = string> {
  /** `area:subject:fact` in kebab-case, for `verifies`. */
  readonly id: Id
  /**
   * The source that states the rule, for example `workspaces §15.13`. The page
   * `apps/docs/the-wire.md` explains the sources and lists the sections.
   */
  readonly section: string
  /** The rule, in one or a few sentences. */
  readonly text: string
  /** The future feature that brings the rule. Absent: a test must cite the row now. */
  readonly due?: string
  /**
   * Why the rule doesn't hold although it should. The row is reported as a gap and needs no
   * citation.
   */
  readonly knownGap?: string
}

/** What the rows below one heading share. */
export interface Heading {
  readonly section: string
  readonly due?: string
}

type Stated = string | { readonly text: string; readonly knownGap: string }

/**
 * Returns the rows below one heading, from their texts by ID. A rule known not to hold is `{ text,
 * knownGap }`.
 */
export function rows<const Texts extends Readonly<Record<string, Stated>>>(
  heading: Heading,
  texts: Texts,
): readonly Requirement<keyof Texts & string>[] {
  // `Object.entries` loses the type of the keys.
  const entries = Object.entries(texts) as [keyof Texts & string, Stated][]
  return entries.map(([id, stated]) => (typeof stated === 'string' ? { id, ...heading, text: stated } : { id, ...heading, ...stated }))
}
