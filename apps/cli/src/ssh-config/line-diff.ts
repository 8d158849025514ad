/** Unchanged lines shown around each change. */
const contextLines = 2
/** Above this many comparisons, a change is shown as all old lines, then all new ones. */
const maxComparisons = 4_000_000

interface Line {
  readonly mark: ' ' | '-' | '+'
  readonly text: string
}

/**
 * Returns the lines that differ between two texts, marked with `-` and `+`, and a few around them.
 * A line `…` stands for lines left out between two changes.
 */
export function diffLines(before: string, after: string): string[] {
  const lines = compare(splitLines(before), splitLines(after))
  const shown: string[] = []
  let last: number | undefined
  for (const [index, { mark, text }] of lines.entries()) {
    const around = lines.slice(Math.max(0, index - contextLines), index + contextLines + 1)
    if (around.every((line) => line.mark === ' ')) continue
    if (last !== undefined && index > last + 1) shown.push('…')
    last = index
    shown.push(`${mark} ${text}`.trimEnd())
  }
  return shown
}

const same = (text: string): Line => ({ mark: ' ', text })
const removed = (text: string): Line => ({ mark: '-', text })
const added = (text: string): Line => ({ mark: '+', text })

function splitLines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

function compare(before: readonly string[], after: readonly string[]): Line[] {
  const shorter = Math.min(before.length, after.length)
  let head = 0
  while (head < shorter && before[head] === after[head]) head += 1
  let tail = 0
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1
  return [
    ...before.slice(0, head).map(same),
    ...compareMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map(same),
  ]
}

/** Compares by the longest common subsequence of lines. */
function compareMiddle(before: readonly string[], after: readonly string[]): Line[] {
  if (before.length * after.length > maxComparisons) return [...before.map(removed), ...after.map(added)]
  const width = after.length + 1
  const lengths = new Uint32Array((before.length + 1) * width)
  const at = (row: number, column: number): number => lengths[row * width + column] ?? 0
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      lengths[row * width + column] =
        before[row] === after[column] ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1))
    }
  }
  const lines: Line[] = []
  let [row, column] = [0, 0]
  for (;;) {
    const [old, fresh] = [before[row], after[column]]
    if (old === undefined && fresh === undefined) return lines
    if (old !== undefined && old === fresh) {
      lines.push({ mark: ' ', text: old })
      row += 1
      column += 1
    } else if (old !== undefined && (fresh === undefined || at(row + 1, column) >= at(row, column + 1))) {
      lines.push(removed(old))
      row += 1
    } else if (fresh !== undefined) {
      lines.push(added(fresh))
      column += 1
    }
  }
}
