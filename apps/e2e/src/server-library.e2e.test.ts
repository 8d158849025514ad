import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import { createClient } from '@berth/sdk'
import { createServer } from '@berth/server'
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

test('a program gives only the settings that differ from the defaults', async () => {
  verifies('berth:server:program-settings')
  const database = await createTestDatabase()
  const folder = await mkdtemp(join(here, '.library-'))
  try {
    const server = await createServer({ dataDir: folder, httpAddress: '127.0.0.1:0', postgresUrl: database.url, logLevel: 'fatal' })
    const { version: answered } = await createClient({ url: server.url }).deployment.buildInfo()
    await server.stop()
    expect(answered).toMatch(/^v0\.13\.4\+berth\./)
  } finally {
    await rm(folder, { recursive: true, force: true })
    await database.drop()
  }
})

test.each([
  ['dataDirr', 'There is no setting "dataDirr". Did you mean "dataDir"?'],
  ['httpAdress', 'There is no setting "httpAdress". Did you mean "httpAddress"?'],
  ['BERTH_DATA_DIR', 'There is no setting "BERTH_DATA_DIR". The names are those of the flags of berth-server --help, in camelCase.'],
])('the setting %s is refused by name', async (name, message) => {
  verifies('berth:server:program-settings')
  await expect(createServer({ [name]: '/nowhere' })).rejects.toThrow(message)
})

test('a wrong value is refused with the name that the program used', async () => {
  verifies('berth:server:program-settings')
  await expect(createServer({ httpAddress: 'nowhere' })).rejects.toThrow('httpAddress cannot be used')
})
