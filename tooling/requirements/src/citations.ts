import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'

/** A rule cited by a test. */
export interface Citation {
  readonly id: string
  /** Path of the test in the repository. */
  readonly file: string
}

const call = /\bverifies\(((?:\s*(?:'[^']*'|"[^"]*")\s*,?)+)\s*\)/g
// Only at the start of a line: `/*` inside a string, such as a glob, is not a comment.
const comment = /^[ \t]*\/\*[\s\S]*?\*\/|^[ \t]*\/\/.*$/gm

/** Lists the IDs that a source cites. Comments don't count. */
export function citedIn(source: string): string[] {
  return [...source.replace(comment, '').matchAll(call)].flatMap(([, list = '']) =>
    [...list.matchAll(/'([^']*)'|"([^"]*)"/g)].map(([, single, double]) => single ?? double ?? ''),
  )
}

/**
 * Reads every citation in the tests below `root`: files named `*.test.ts`, except build output and
 * installed packages.
 */
export function readCitations(root: string): Citation[] {
  return ['apps', 'packages', 'tooling'].flatMap((room) =>
    testFiles(join(root, room)).flatMap((path) => citedIn(readFileSync(path, 'utf8')).map((id) => ({ id, file: relative(root, path) }))),
  )
}

function testFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'dist' ? [] : testFiles(path)
    return entry.isFile() && entry.name.endsWith('.test.ts') ? [path] : []
  })
}
