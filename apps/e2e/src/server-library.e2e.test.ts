import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import { createTestDatabase } from '@berth/server/testing'
import { expect, test } from 'vitest'

const run = promisify(execFile)
/** Below this room, so that the packages that it declares are found by name. */
const here = fileURLToPath(new URL('.', import.meta.url))

test('a program can import the server, start it, ask it something and stop it', async () => {
  verifies('berth:server:importable')
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(here, '.library-'))
  const program = join(folder, 'program.mjs')
  await writeFile(
    program,
    `import { createServer, readConfig } from '@berth/server'
     import { createClient } from '@berth/sdk'
     import { pino } from 'pino'
     const config = readConfig({
       arguments: ['--http-address', '127.0.0.1:0', '--postgres-url', ${JSON.stringify(database.url)}, '--data-dir', ${JSON.stringify(folder)}],
       environment: {}, userId: undefined, homeDirectory: ${JSON.stringify(folder)}, agentDirectory: ${JSON.stringify(folder)},
     })
     const server = await createServer(config, { logger: pino({ level: 'silent' }) })
     const { version } = await createClient({ url: server.url }).deployment.buildInfo()
     await server.stop()
     console.log(version)`,
  )
  try {
    const { stdout } = await run(process.execPath, [program])
    expect(stdout).toMatch(/^v0\.13\.4\+berth\./)
  } finally {
    await rm(folder, { recursive: true, force: true })
    await database.drop()
  }
})
