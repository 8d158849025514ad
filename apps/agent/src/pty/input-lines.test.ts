import { expect, test } from 'vitest'
import { InputLines, maxLineBytes } from './input-lines.ts'

test('inputs arrive whole, however the bytes are cut', () => {
  const inputs = ['ls -l\r', 'ü€😀', '\n{"data":"not one"}\n', '"\\'].map((data, index) => ({ data, height: index + 1, width: 65_535 }))
  const bytes = Buffer.from(inputs.map((input) => `${JSON.stringify(input)}\n`).join(''))
  for (let size = 1; size <= bytes.length; size += 1) {
    const lines = new InputLines()
    const seen = []
    for (let start = 0; start < bytes.length; start += size) seen.push(...lines.read(bytes.subarray(start, start + size)))
    expect(seen).toEqual(inputs.map(({ data, height, width }) => ({ data, size: { columns: width, rows: height } })))
  }
})

test.each([
  ['{"data":"a"}', { data: 'a' }],
  ['{"data":"","height":3,"width":4}', { size: { columns: 4, rows: 3 } }],
  ['{"height":0,"width":80}', {}],
  ['{"height":80}', {}],
  ['{"height":1.5,"width":70000}', {}],
])('%s means %j', (line, expected) => {
  expect(new InputLines().read(Buffer.from(`${line}\n`))).toEqual([expected])
})

test.each(['nonsense', '[]', '"text"', 'null'])('%s is refused', (line) => {
  expect(() => new InputLines().read(Buffer.from(`${line}\n`))).toThrow()
})

test('a line without an end is refused before it fills the memory', () => {
  const lines = new InputLines()
  const piece = Buffer.alloc(64 * 1024, 'x')
  expect(() => {
    for (let bytes = 0; bytes <= maxLineBytes; bytes += piece.length) lines.read(piece)
  }).toThrow(/longer than/)
})
