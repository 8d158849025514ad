import { CommandError } from './failures.ts'
import type { Input } from './world.ts'

const maxSecretBytes = 64 * 1024

/** Reads a secret to the end of the stream, without the newline that `echo` puts behind it. */
export async function readSecretFrom(input: Input): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of input as AsyncIterable<Buffer | string>) {
    const buffer = Buffer.from(chunk)
    bytes += buffer.length
    if (bytes > maxSecretBytes) throw new CommandError('Standard input holds more than any password.')
    chunks.push(buffer)
  }
  const secret = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
  if (secret === '') throw new CommandError('Standard input is empty; a password was expected there.')
  return secret
}
