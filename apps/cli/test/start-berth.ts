import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { Environment } from '../src/world.ts'
import { temporaryFolder, type Outcome } from './run-berth.ts'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const command = [here('../../../node_modules/.bin/tsx'), '--conditions=@berth/source', here('../src/main.ts')]

/** A command that runs as a process of its own. */
export interface Running {
  /** Resolves when all that was printed so far contains the text. */
  readonly prints: (text: string) => Promise<void>
  readonly type: (keys: string) => void
  /** On a terminal, standard error is in `stdout` too. */
  readonly ended: Promise<Outcome>
}

/** Starts the program from its sources, on a pseudo-terminal or on pipes. */
export async function startBerth(
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
  const line = [...command, ...words].map((word) => `'${word}'`).join(' ')
  const [program = '', ...parameters] = options.terminal ? ['script', '-qefc', line, '/dev/null'] : [...command, ...words]
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
