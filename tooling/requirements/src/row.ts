/** One observable rule that Berth keeps, and where it comes from. */
export interface Requirement<Id extends string = string> {
  /** `area:subject:fact`, kebab-case; what `verifies` cites. */
  readonly id: Id
  /** The document and section that states the rule, such as `workspaces §15.13`. */
  readonly section: string
  /** The rule, in one or a few sentences. */
  readonly text: string
  /** What the rule comes with. Absent: it is promised now, and a row that no test cites fails the house test. */
  readonly due?: string
  /** Why the rule does not hold although it should. Printed as a gap; such a row needs no citation. */
  readonly knownGap?: string
}

/** What the rows of one heading share. */
export interface Heading {
  readonly section: string
  readonly due?: string
}

type Stated = string | { readonly text: string; readonly knownGap: string }

/** Turns `id → text` into rows below one heading. Give a row `{ text, knownGap }` when the rule is known not to hold. */
export function rows<const Texts extends Readonly<Record<string, Stated>>>(
  heading: Heading,
  texts: Texts,
): readonly Requirement<keyof Texts & string>[] {
  // `Object.entries` forgets the key type; the entries come from `texts` itself.
  const entries = Object.entries(texts) as [keyof Texts & string, Stated][]
  return entries.map(([id, stated]) => (typeof stated === 'string' ? { id, ...heading, text: stated } : { id, ...heading, ...stated }))
}
