/** The unit of a tar file: every header starts at a multiple of it. */
const BLOCK_BYTES = 512
/** Long enough for the longest path, with room for attributes. */
const MAX_HEADER_BYTES = 64 * 1024
/** Enough for a path of 1 KiB in each of 10 000 entries, with room to spare. */
const MAX_TOTAL_BYTES = 16 * 1024 * 1024

/** The types of pax headers and of GNU's long names and links. */
const extendedTypes = new Set(['x', 'g', 'L', 'K', 'N'].map((type) => type.charCodeAt(0)))
const GLOBAL_TYPE = 'g'.charCodeAt(0)

/**
 * Passes the blocks of a tar file on, and throws `fault(reason)` for one whose extended headers
 * would take long to read. An extractor reads each of them whole and adds the fields of the global
 * one to each that follows, so a small archive could keep it busy for hours.
 *
 * Looks at every block, also those inside a file, because the sizes in an archive can lie.
 */
export async function* boundExtendedHeaders(
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  fault: (reason: string) => Error,
): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array = new Uint8Array()
  let totalBytes = 0
  let globalBytes = 0
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const whole = bytes.length - (bytes.length % BLOCK_BYTES)
    for (let offset = 0; offset < whole; offset += BLOCK_BYTES) {
      const header = extendedHeader(bytes, offset)
      if (header === undefined) continue
      // The extractor would read on at the wrong place after one without content.
      if (!(header.bytes > 0)) throw fault('an extended header has no content')
      if (header.bytes > MAX_HEADER_BYTES) throw fault(`an extended header has more than ${MAX_HEADER_BYTES} bytes`)
      if (header.isGlobal) globalBytes += header.bytes
      totalBytes += header.bytes + globalBytes
      if (totalBytes > MAX_TOTAL_BYTES) throw fault(`the extended headers have more than ${MAX_TOTAL_BYTES} bytes`)
    }
    if (whole > 0) yield bytes.subarray(0, whole)
    rest = bytes.subarray(whole)
  }
  if (rest.length > 0) yield rest
}

interface ExtendedHeader {
  readonly bytes: number
  readonly isGlobal: boolean
}

function extendedHeader(bytes: Uint8Array, offset: number): ExtendedHeader | undefined {
  const type = bytes[offset + 156] ?? 0
  if (!extendedTypes.has(type)) return undefined
  const block = bytes.subarray(offset, offset + BLOCK_BYTES)
  // The checksum counts its own field as eight spaces.
  const sum = block.reduce((total, byte, index) => total + (index >= 148 && index < 156 ? 0x20 : byte), 0)
  if (numberIn(block.subarray(148, 156)) !== sum) return undefined
  return { bytes: numberIn(block.subarray(124, 136)), isGlobal: type === GLOBAL_TYPE }
}

/** Reads a number of a header: octal digits, or binary after a byte of 0x80. NaN: neither. */
function numberIn(field: Uint8Array): number {
  const [first = 0] = field
  if (first === 0x80) return field.subarray(1).reduce((value, byte) => value * 256 + byte, 0)
  return first > 0x80
    ? Number.NaN
    : Number.parseInt(
        Buffer.from(field)
          .toString()
          .replace(/^[ \0]+/, ''),
        8,
      )
}
