const BLOCK_BYTES = 512

/** One entry of a tar archive, by default a regular file. Put before an archive, it joins it. */
export function tarEntry(path: string, content: string, type = '0'): Buffer {
  const data = Buffer.from(content)
  const header = Buffer.alloc(BLOCK_BYTES)
  const field = (offset: number, text: string): number => header.write(text, offset, 'latin1')
  field(0, path)
  field(100, '0000644\0')
  field(124, `${data.length.toString(8).padStart(11, '0')}\0`)
  field(136, '00000000000\0')
  field(148, ' '.repeat(8))
  field(156, type)
  field(257, 'ustar\x0000')
  const checksum = header.reduce((sum, byte) => sum + byte, 0)
  field(148, `${checksum.toString(8).padStart(6, '0')}\0 `)
  return Buffer.concat([header, data, Buffer.alloc((BLOCK_BYTES - (data.length % BLOCK_BYTES)) % BLOCK_BYTES)])
}
