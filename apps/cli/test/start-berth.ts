import { spawn } from 'node:child_process'
import { onTestFinished } from 'vitest'
import type { Environment } from '../src/world.ts'
import { temporaryFolder, type Outcome } from './run-berth.ts'

/** A command in its own process. */
export interface Running {
  /** Resolves when all that was printed so far contains the text. */
  readonly prints: (text: string) => Promise<void>
  readonly type: (keys: string) => void
  /** On a terminal, standard error is in `stdout` too. */
  readonly ended: Promise<Outcome>
}

/** Starts the program that `buildBerth` made, on a pseudo-terminal or on pipes. */
export async function startBerth(
  entry: string,
  words: readonly string[],
  options: { readonly terminal?: boolean; readonly environment?: Environment } = {},
): Promise<Running> {
  const environment = {
    PATH: process.env['PATH'],
    HOME: await temporaryFolder(),
    TERM: 'xterm',
    SHELL: '/bin/sh',
    ...options.environment,
  }
  const command = [process.execPath, entry, ...words]
  const line = command.map((word) => `'${word}'`).join(' ')
  const [program = '', ...parameters] = options.terminal ? ['script', '-qefc', line, '/dev/null'] : command
  const child = spawn(program, parameters, { env: environment, stdio: 'pipe' })
  onTestFinished(() => void child.kill())
  let stdout = ''
  let stderr = ''
  const waiting = new Set<() => void>()
  child.stdin.on('error', () => undefined)
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    for (const look of waiting) look()
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
  })
  return {
    ended,
    type: (keys) => void child.stdin.write(keys),
    prints: (text) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!stdout.includes(text)) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
        void ended.then(() => reject(new Error(`ended without printing "${text}": ${stdout}${stderr}`)))
      }),
  }
}
