import { homedir, userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { createClient } from '@berth/sdk'
import { commandTree } from './command-tree.ts'
import { run } from './run.ts'
import { systemClock } from './system-clock.ts'
import type { World } from './world.ts'

/** Set by the build, which puts the starter templates beside the bundle; the sources find them where they are written. */
declare const STARTER_TEMPLATES: string | undefined
const starterTemplates = typeof STARTER_TEMPLATES === 'undefined' ? '../../../packages/provisioner/templates' : STARTER_TEMPLATES

const world: World = {
  environment: process.env,
  input: process.stdin,
  output: process.stdout,
  errorOutput: process.stderr,
  clock: systemClock,
  platform: process.platform,
  homeDirectory: homedir(),
  workingDirectory: process.cwd(),
  username: usernameHere(),
  starterTemplatesDirectory: fileURLToPath(new URL(starterTemplates, import.meta.url)),
  connect: createClient,
  onSignal: (signal, listener) => {
    process.on(signal, listener)
    return () => process.off(signal, listener)
  },
}

// Some pseudo-terminals have no size until somebody gives them one, and questions would be drawn into nothing.
for (const stream of [process.stdout, process.stderr]) {
  if (stream.isTTY) [stream.columns, stream.rows] = [stream.columns || 80, stream.rows || 24]
}

// A reader that has seen enough, such as `head`, is no error of ours.
process.stdout.on('error', leaveOnBrokenPipe)
process.stderr.on('error', leaveOnBrokenPipe)

const code = await run(process.argv.slice(2), world, commandTree)
// Sockets that are kept for further requests would hold the process for seconds.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))

function leaveOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}

/** Containers run with user ids that have no entry and no name. */
function usernameHere(): string {
  try {
    return userInfo().username
  } catch {
    return ''
  }
}
