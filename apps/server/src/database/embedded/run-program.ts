import { spawn } from 'node:child_process'
import type { SystemUser } from './system-user.ts'

/**
 * How a program ended and what it wrote. `code` is undefined when it couldn't start or was killed.
 */
export interface ProgramResult {
  readonly code: number | undefined
  readonly output: string
  readonly errorOutput: string
}

const MAX_OUTPUT_CHARACTERS = 64 * 1024

/**
 * The environment of every program that the embedded server runs: no variables of Berth's own, no
 * PG… variables, messages in English.
 */
export const PROGRAM_ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC' }

/** Returns the spawn options that run a program as `user`. */
export function runAs(user: SystemUser | undefined): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid }
}

/**
 * Runs a program to its end, without a shell. A program that can't start is also a result: its
 * error output says why.
 */
export async function runProgram(file: string, args: readonly string[], options: { user: SystemUser | undefined; input?: string }) {
  return await new Promise<ProgramResult>((resolve) => {
    const child = spawn(file, args, { env: PROGRAM_ENVIRONMENT, cwd: '/', stdio: ['pipe', 'pipe', 'pipe'], ...runAs(options.user) })
    let output = ''
    let errorOutput = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output = append(output, chunk)))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errorOutput = append(errorOutput, chunk)))
    child.stdin.on('error', () => {}) // a program that ends before it reads its input reports that by its exit code
    child.once('error', (error) => resolve({ code: undefined, output, errorOutput: error.message }))
    child.once('close', (code) => resolve({ code: code ?? undefined, output, errorOutput }))
    child.stdin.end(options.input ?? '')
  })
}

function append(text: string, chunk: string): string {
  return (text + chunk).slice(0, MAX_OUTPUT_CHARACTERS)
}
