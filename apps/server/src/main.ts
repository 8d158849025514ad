import type { Logger } from 'pino'
import { createServer, type BerthServer } from './create-server.ts'
import { createLogger } from './logger.ts'
import { rotateSecrets } from './secrets/rotate-secrets.ts'
import { completionScript, completionShells } from './settings/completion-script.ts'
import { ConfigError } from './settings/config-error.ts'
import { HelpRequested, type Config } from './settings/config.ts'
import { readMachineConfig } from './settings/machine-config.ts'
import { version } from './version.ts'
import { machineSources } from './world.ts'

/** Longer than any graceful stop takes. Then the process ends anyway. */
const STOP_PATIENCE_MS = 20_000

async function main(): Promise<void> {
  const [command = '', ...rest] = process.argv.slice(2)
  try {
    if (command === 'completion') printCompletion(rest[0] ?? '')
    else if (command === 'rotate-secrets') await printRotation(await loadConfig(rest))
    else await serve(await loadConfig(process.argv.slice(2)))
  } catch (error) {
    if (error instanceof HelpRequested) {
      process.stdout.write(error.message)
      return
    }
    process.stderr.write(`berth-server: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

async function serve(config: Config): Promise<void> {
  const logger = createLogger(config)
  try {
    const server = await createServer(config, { logger })
    keepServing(logger)
    await announce(server)
    stopOnSignal(server, logger)
  } catch (error) {
    logger.debug({ err: error }, 'start failed')
    throw error
  }
}

async function printRotation(config: Config): Promise<void> {
  process.stdout.write(`${await rotateSecrets(config, createLogger(config))}\n`)
}

function printCompletion(shell: string): void {
  const script = completionScript(shell)
  if (script === undefined)
    throw new ConfigError(`There is no completion script for "${shell}". There is one for ${completionShells.join(', ')}.`)
  process.stdout.write(script)
}

async function loadConfig(words: readonly string[]): Promise<Config> {
  return await readMachineConfig({ ...machineSources(), arguments: words })
}

/** Prints where the server is, how to sign in, and what to type next. */
async function announce(server: BerthServer): Promise<void> {
  const { url, httpUrl = url, accessUrl, databaseName } = server
  const places = [...new Set([url, httpUrl])]
  const isPlain = places.length === 1 && url === accessUrl
  const lines = [
    `Berth ${version} is up at ${accessUrl}${isPlain ? '' : ` (listening on ${places.join(' and ')})`}`,
    `Data: ${databaseName}`,
    '',
    ...((await server.hasUsers())
      ? [`Sign in:  berth login ${accessUrl}`]
      : [
          'Nobody has signed in yet. In another terminal, create the first user:',
          `  berth login ${accessUrl} --first-user-email you@example.com --first-user-username you --first-user-password <at least 8 characters>`,
          'Then make a workspace and get a shell in it:',
          '  berth create dev -y && berth ssh dev',
          'In the checkout, `export PATH="$PWD/bin:$PATH"` makes `berth` a command.',
        ]),
    '',
    'Logs follow. Ctrl-C stops the server; workspaces keep running.',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** Logs errors that nobody caught. Each is a bug, but not a reason to end everybody's work. */
function keepServing(logger: Logger): void {
  const log = (error: unknown): void => logger.error({ err: error }, 'nobody caught an error')
  process.on('uncaughtException', log)
  process.on('unhandledRejection', log)
}

function stopOnSignal(server: BerthServer, logger: Logger): void {
  let isStopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) return
    isStopping = true
    logger.info({ signal }, 'stopping')
    const timer = setTimeout(() => {
      logger.error('the server did not stop in time')
      process.exit(1)
    }, STOP_PATIENCE_MS)
    timer.unref()
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'the server did not stop cleanly')
        process.exit(1)
      },
    )
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
}

await main()
