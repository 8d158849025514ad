import { CommandError } from './failures.ts'
import type { Input } from './world.ts'

const maxSecretKiB = 64
const maxSecretBytes = maxSecretKiB * 1024

/** Reads a secret to the end of the stream, without a newline at its end. */
export async function readSecretFrom(input: Input): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of input as AsyncIterable<Buffer | string>) {
    const buffer = Buffer.from(chunk)
    bytes += buffer.length
    if (bytes > maxSecretBytes) throw new CommandError(`The password on standard input is longer than ${maxSecretKiB} KiB.`)
    chunks.push(buffer)
  }
  const secret = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (secret === '') throw new CommandError('Standard input is empty.', { help: 'Pipe the password into it.' })
  return secret
}
