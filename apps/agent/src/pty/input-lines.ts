/** A message of a terminal's client: keys, a size, or both. */
export interface TerminalInput {
  data?: string
  size?: { columns: number; rows: number }
}

/** Longest line, in bytes. No well-behaved client sends a longer one. */
export const maxLineBytes = 1024 * 1024

/**
 * Splits a byte stream into the JSON objects of a terminal's client, one per line: `{"data":
 * "ls\r", "height": 24, "width": 80}`. A size counts when both numbers are present and not zero
 * (Coder v2 API, v0.13.4). `read` throws for a line that is too long or not such an object.
 */
export class InputLines {
  #rest: Buffer[] = []
  #restBytes = 0

  read(chunk: Buffer): TerminalInput[] {
    const inputs: TerminalInput[] = []
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#keep(chunk.subarray(start, end))
      const line = Buffer.concat(this.#rest).toString('utf8')
      this.#rest = []
      this.#restBytes = 0
      if (line.trim() !== '') inputs.push(parseInput(line))
      start = end + 1
    }
    this.#keep(chunk.subarray(start))
    return inputs
  }

  #keep(bytes: Buffer): void {
    this.#restBytes += bytes.length
    if (this.#restBytes > maxLineBytes) throw new Error(`A line of terminal input is longer than ${maxLineBytes} bytes`)
    if (bytes.length > 0) this.#rest.push(bytes)
  }
}

function parseInput(line: string): TerminalInput {
  const value = JSON.parse(line) as unknown
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error('Terminal input is not a JSON object')
  const { data, height, width } = value as Record<string, unknown>
  return {
    ...(typeof data === 'string' && data !== '' ? { data } : {}),
    ...(isSize(height) && isSize(width) ? { size: { columns: width, rows: height } } : {}),
  }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= 65_535
}
