import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { readJsonLine, writeJsonLine } from './json-line.ts'

async function restOf(stream: PassThrough): Promise<string> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(stream, 'end')
  return Buffer.concat(chunks).toString('utf8')
}

test.each([1, 3, 1000])('a line is read and what follows stays, in pieces of %i bytes', async (size) => {
  const stream = new PassThrough()
  const bytes = Buffer.from('{"text":"é\\n"}\nmore\nbytes')
  const line = readJsonLine(stream, 100)
  for (let at = 0; at < bytes.length; at += size) stream.write(bytes.subarray(at, at + size))
  stream.end()
  expect(await line).toEqual({ text: 'é\n' })
  expect(await restOf(stream)).toBe('more\nbytes')
})

test('what was written is read', async () => {
  const stream = new PassThrough()
  writeJsonLine(stream, { a: [1, 'two\n'] })
  expect(await readJsonLine(stream, 100)).toEqual({ a: [1, 'two\n'] })
})

test.each([
  ['a line that is too long', 'x'.repeat(101), 'longer than 100 bytes'],
  ['a line that is not JSON', 'nothing\n', 'JSON'],
  ['a stream that ends first', '{}', 'ended before its first line'],
])('%s is refused', async (_, text, reason) => {
  const stream = new PassThrough()
  stream.end(text)
  await expect(readJsonLine(stream, 100)).rejects.toThrow(reason)
})

test('a stream that breaks rejects with its error, a destroyed one too', async () => {
  const stream = new PassThrough()
  const line = readJsonLine(stream, 100)
  stream.destroy(new Error('reset'))
  await expect(line).rejects.toThrow('reset')
  await expect(readJsonLine(stream, 100)).rejects.toThrow('ended before its first line')
})
