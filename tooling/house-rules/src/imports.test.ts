import { expect, test } from 'vitest'
import { importsOf, packageOf } from './imports.ts'
import { withoutComments } from './repository.ts'

const source = String.raw`
import './side-effect.ts'
import type { Actor } from './actor.ts'
import { type Row, type Rows } from './rows.ts'
import { type Store, openStore } from './store.ts'
import express, {
  type Request,
} from 'express'
export { one } from './one.ts'
export * from './all.ts'
export type { Two } from './two.ts'
export const three = 3
// import { hidden } from './comment.ts'
/*
import { hidden } from './comment.ts'
*/
const lazy = () => import('ssh2')
const text = 'no import { of } from nothing'
`

test('static, re-exporting, multi-line and dynamic imports are read, and comments are not', () => {
  expect(importsOf(withoutComments(source))).toEqual([
    { from: './side-effect.ts', isTypeOnly: false },
    { from: './actor.ts', isTypeOnly: true },
    { from: './rows.ts', isTypeOnly: true },
    { from: './store.ts', isTypeOnly: false },
    { from: 'express', isTypeOnly: false },
    { from: './one.ts', isTypeOnly: false },
    { from: './all.ts', isTypeOnly: false },
    { from: './two.ts', isTypeOnly: true },
    { from: 'ssh2', isTypeOnly: false },
  ])
})

test.each([
  ['./store.ts', undefined],
  ['node:fs', undefined],
  ['#websocket', undefined],
  ['express', 'express'],
  ['tar-stream/x.js', 'tar-stream'],
  ['@berth/sdk', '@berth/sdk'],
  ['@berth/sdk/testing', '@berth/sdk'],
])('%s belongs to package %s', (specifier, expected) => {
  expect(packageOf(specifier)).toBe(expected)
})

test('comments are blanked and text that looks like one stays', () => {
  expect(withoutComments("const a = 'http://x/*' // why\n/** doc */\nconst b = '*/y'\n")).toBe(
    "const a = 'http://x/*'\n\nconst b = '*/y'\n",
  )
})
