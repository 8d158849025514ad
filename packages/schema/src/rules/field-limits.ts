/**
 * How much clients and agents may send in one field. Generous, since programs of the reference send
 * whatever fits; the largest body of an endpoint limits all its fields together.
 * @module
 */
const KIB = 1024
const MIB = 1024 * KIB

/** Characters of a name, an ID, a version or a date. */
export const maxLineLength = KIB
/** Characters of a URL, a search query, a command, a schedule, a password or a token. */
export const maxLongLineLength = 8 * KIB
/** Characters of a parameter's value or of a signed document. */
export const maxTextLength = 256 * KIB
/** Entries of a list or map, such as roles of a user or kinds of connections of an agent. */
export const maxListItems = 1_000
/** Parameter values of one request, permissions of one template. */
export const maxLongListItems = 10_000

/** Numbers that aren't counts. Beyond these, JSON numbers aren't exact. */
export const integerRange = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER } as const
/** Largest count in a report of an agent, such as of bytes since it started: 1 PB. */
export const maxReportedCount = 1e15

/** Bytes of a JSON body. */
export const maxJsonBytes = MIB
/** Bytes of a JSON body with parameter values or the state of a provisioner. */
export const maxLargeJsonBytes = 16 * MIB
