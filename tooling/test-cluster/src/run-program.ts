import { execFile } from 'node:child_process'

interface RunOptions {
  readonly directory?: string
  readonly environment?: Readonly<Record<string, string>>
}

/**
 * Runs a program and returns its output. If it fails, throws an error with its error output, which
 * the error of `execFile` hides.
 */
export async function runProgram(program: string, words: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = { cwd: options.directory, env: { ...process.env, ...options.environment }, maxBuffer: 64 * 1024 * 1024 }
    execFile(program, words, settings, (error, stdout, stderr) => {
      if (error) reject(new Error(`${program} ${words.join(' ')}: ${stderr.trim() || error.message}`, { cause: error }))
      else resolve(stdout)
    })
  })
}
