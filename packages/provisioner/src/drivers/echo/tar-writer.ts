const blockBytes = 512

/**
 * Returns regular files as a plain tar file without end-of-archive blocks. Names are ASCII of at
 * most 100 characters.
 */
export function writeTar(files: readonly { readonly name: string; readonly content: Uint8Array }[]): Uint8Array {
  const blocks: Uint8Array[] = []
  for (const { name, content } of files) {
    const padding = (blockBytes - (content.length % blockBytes)) % blockBytes
    blocks.push(header(name, content.length), content, new Uint8Array(padding))
  }
  return new Uint8Array(Buffer.concat(blocks))
}

function header(name: string, size: number): Uint8Array {
  if (!/^[\x20-\x7e]{1,100}$/.test(name)) throw new RangeError(`${JSON.stringify(name)} isn't a valid name for a tar entry`)
  const block = Buffer.alloc(blockBytes)
  block.write(name, 0, 'ascii')
  for (const offset of [100, 108, 116]) block.write('0000000\0', offset, 'ascii') // mode, uid, gid
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124, 'ascii')
  block.write('00000000000\0', 136, 'ascii') // modification time
  block.write('        0', 148, 'ascii') // the checksum counts as blanks while it is computed; 0 is a regular file
  block.write('ustar\x0000', 257, 'ascii')
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii')
  return block
}
