/**
 * The part of an SSH configuration file that `berth config-ssh` owns, between two comment lines.
 * Texts have one character for each byte, so that the rest of the file stays as it is, whatever its
 * encoding and line ends.
 * @module
 */
import { CommandError } from '../failures.ts'

const startMarker = '# ------------START-BERTH-----------'
const endMarker = '# ------------END-BERTH------------'

/** What `berth config-ssh` remembers of its last run, as comments in its section. */
export interface SectionOptions {
  /** Lines for every host, such as `ForwardAgent=yes`. */
  readonly sshOptions: readonly string[]
  /** Whether the hosts have their `coder.` names too. */
  readonly compat: boolean
}

/** The section that a file has: its text, and where that starts and ends. */
export interface Section {
  readonly text: string
  readonly start: number
  readonly end: number
}

/**
 * Finds the section. Returns undefined if the file has none.
 *
 * @throws CommandError if a marker is missing, repeated or in the wrong order.
 */
export function findSection(file: string): Section | undefined {
  const starts = linesOf(file, startMarker)
  const ends = linesOf(file, endMarker)
  const [first] = starts
  const [last] = ends
  if (first === undefined && last === undefined) return undefined
  if (first === undefined || last === undefined || starts.length > 1 || ends.length > 1 || last.start < first.start) {
    throw new CommandError(
      `The section of Berth in the SSH configuration is damaged: expected one line "${startMarker}", then one line "${endMarker}".`,
      { help: 'Repair or delete the section by hand, then try again.' },
    )
  }
  return { text: file.slice(first.start, last.end), start: first.start, end: last.end }
}

/**
 * Returns the file with its section replaced, or removed if `section` is undefined. A new section
 * goes to the end.
 */
export function replaceSection(file: string, section: string | undefined): string {
  const found = findSection(file)
  if (found !== undefined) return file.slice(0, found.start) + (section ?? '') + file.slice(found.end)
  if (section === undefined) return file
  return `${file}${file === '' || file.endsWith('\n') ? '' : '\n'}${section}`
}

/** Writes a section with these host blocks. */
export function renderSection(options: SectionOptions, blocks: readonly string[]): string {
  return [
    startMarker,
    '# `berth config-ssh` writes this section anew each time it runs, and removes it with --remove.',
    ...options.sshOptions.map((option) => `# :ssh-option=${option}`),
    ...(options.compat ? ['# :compat'] : []),
    ...blocks,
    endMarker,
    '',
  ].join('\n')
}

/** Reads the options with which a section was written. */
export function optionsOf({ text }: Section): SectionOptions {
  const lines = text.split(/\r?\n/)
  return {
    sshOptions: lines.flatMap((line) => /^# :ssh-option=(.+)$/.exec(line)?.[1] ?? []),
    compat: lines.includes('# :compat'),
  }
}

/** Returns where the lines start that are this marker, and where each ends with its line end. */
function linesOf(file: string, marker: string): { readonly start: number; readonly end: number }[] {
  return [...file.matchAll(new RegExp(`^${marker}[ \\t]*(?:\\r?\\n|\\r?$(?![\\s\\S]))`, 'gm'))].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
  }))
}
