import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { pino, type Logger } from 'pino'
import { ConfigError, HelpRequested, readConfig, type Config } from './settings/config.ts'
import { createServer, type BerthServer } from './create-server.ts'
import { rotateSecrets } from './secrets/rotate-secrets.ts'
import { settingsFilePath, type SettingsFile } from './settings/settings-file.ts'
import { version } from './version.ts'

/** Longer than anything that ends gracefully takes; then the process ends all the same. */
const STOP_PATIENCE_MS = 20_000

/** Encrypts the secrets in the database anew instead of starting a server. */
const ROTATE_SECRETS = 'rotate-secrets'

async function main(): Promise<void> {
  const [command] = process.argv.slice(2)
  const isRotation = command === ROTATE_SECRETS
  const config = await configOrExit(process.argv.slice(isRotation ? 3 : 2))
  if (config === undefined) return
  const logger = createLogger(config)
  try {
    if (isRotation) {
      process.stdout.write(`${await rotateSecrets(config, logger)}\n`)
      return
    }
    const server = await createServer(config, { logger })
    await announce(server)
    stopOnSignal(server, logger)
  } catch (error) {
    logger.debug({ err: error }, 'start failed')
    process.stderr.write(`berth-server: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}

/** Undefined: there is nothing to start, and what there was to say has been said. */
async function configOrExit(words: readonly string[]): Promise<Config | undefined> {
  try {
    const homeDirectory = homedir()
    return readConfig({
      arguments: words,
      environment: process.env,
      userId: process.getuid?.(),
      homeDirectory,
      agentDirectory: fileURLToPath(new URL('../../agent/dist/', import.meta.url)),
      settingsFile: await readIfThere(settingsFilePath(process.env, { homeDirectory })),
    })
  } catch (error) {
    if (error instanceof HelpRequested) {
      process.stdout.write(error.message)
      return undefined
    }
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`berth-server: ${error.message}\n`)
    process.exitCode = 1
    return undefined
  }
}

async function readIfThere(path: string): Promise<SettingsFile | undefined> {
  try {
    return { path, text: await readFile(path, 'utf8') }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException // of the file system
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new ConfigError(`${path} cannot be used: ${message}. Make it readable, or name another folder with BERTH_CONFIG_DIR.`, {
      cause: error,
    })
  }
}

function createLogger({ logLevel }: Config): Logger {
  const { err } = pino.stdSerializers
  const options = { level: logLevel, serializers: { err, error: err } }
  // Standard output is for people; the log goes beside it.
  if (!process.stderr.isTTY) return pino(options, pino.destination(2))
  const pretty = { ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', destination: 2 }
  return pino({ ...options, transport: { target: 'pino-pretty', options: pretty } })
}

/** What somebody who has just started it wants to know: where it is, how to sign in, what to type next. */
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
          'From the checkout, `berth` is `npx -y pnpm@10 --silent berth`.',
        ]),
    '',
    'Logs follow. Ctrl-C stops the server; workspaces keep running.',
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
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
