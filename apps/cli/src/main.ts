import { spawnSync } from 'node:child_process'
import { homedir, userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { createClient } from '@berth/sdk'
import { commandTree } from './command-tree.ts'
import { run } from './run.ts'
import { systemClock } from './system-clock.ts'
import { defaultColumns, defaultRows } from './terminal/window-size.ts'
import type { World } from './world.ts'

/** Set by the build, which copies the starter templates next to the bundle. */
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
  program: [process.execPath, ...process.execArgv, ...scriptHere()],
  starterTemplatesDirectory: fileURLToPath(new URL(starterTemplates, import.meta.url)),
  keepOutput: () => {
    // Node has no call for this. Windows changes nothing.
    if (process.platform !== 'win32') spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] })
  },
  connect: createClient,
  onSignal: (signal, listener) => {
    process.on(signal, listener)
    return () => process.off(signal, listener)
  },
}

// Some pseudo-terminals start with a size of zero, in which prompts can't be drawn.
for (const stream of [process.stdout, process.stderr]) {
  if (stream.isTTY) [stream.columns, stream.rows] = [stream.columns || defaultColumns, stream.rows || defaultRows]
}

// A reader that stops early, such as `head`, isn't an error.
process.stdout.on('error', leaveOnBrokenPipe)
process.stderr.on('error', leaveOnBrokenPipe)

const code = await run(process.argv.slice(2), world, commandTree)
// Idle keep-alive sockets would delay a natural exit by seconds.
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))

function leaveOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
}

/** Returns the path of the script, which a single executable doesn't have. */
function scriptHere(): string[] {
  const script = process.argv[1]
  return script === undefined || script === process.execPath ? [] : [script]
}

/** Containers often run with a user id that has no name. */
function usernameHere(): string {
  try {
    return userInfo().username
  } catch {
    return ''
  }
}
