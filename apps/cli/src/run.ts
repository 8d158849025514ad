import type { Client } from '@berth/sdk'
import type { CommandGroup } from './command.ts'
import { completeWords } from './completion/complete-words.ts'
import { defaultConfigFolder, openConfig, type Config } from './config.ts'
import { connect } from './connect.ts'
import type { Context } from './context.ts'
import { describeFailure } from './describe-failure.ts'
import { Canceled, NotLoggedIn } from './failures.ts'
import { Interrupts } from './interrupts.ts'
import { parseWords, UsageErrorAt } from './parsing/parse-words.ts'
import { flagName, readArguments, readFlags } from './parsing/read-input.ts'
import { renderHelp } from './parsing/render-help.ts'
import { globalFlags, headersOf, type Settings } from './settings.ts'
import { createTerminal } from './terminal/terminal.ts'
import { helpColumns } from './terminal/window-size.ts'
import type { World } from './world.ts'

/**
 * Runs one command line.
 *
 * @param words the words after `berth`.
 * @returns the exit code: 0 for success, 1 for any error, or what the command returns (`ssh`
 *   returns that of the remote command).
 */
export async function run(words: readonly string[], world: World, commands: CommandGroup): Promise<number> {
  const interrupts = new Interrupts(world.onSignal)
  let verbose = words.includes('--verbose') || words.includes('-v')
  let path: readonly string[] = []
  let hasGivenToken = false
  try {
    const parsed = parseWords(commands, words)
    if (parsed.kind === 'help') {
      world.output.write(`${renderHelp(parsed, helpColumns(world.output))}\n`)
      return 0
    }
    path = parsed.path
    const settings = readSettings(parsed.globals, world)
    verbose = settings.verbose
    hasGivenToken = settings.token !== undefined
    const values = {
      ...readArguments(parsed.node.args, parsed.words),
      ...readFlags(parsed.node.flags, parsed.given, world.environment),
    }
    const context = await createContext({ world, settings, commands, interrupts })
    // Not everything that a command waits for listens to the signal, and Ctrl-C must end it all.
    return (await Promise.race([parsed.node.invoke(values, context), interrupts.aborted])) ?? 0
  } catch (error) {
    if (error instanceof Canceled || interrupts.signal.aborted) return 1
    const at = error instanceof UsageErrorAt ? error.path : path
    const { paintNote } = createTerminal({ ...world, noColor: words.includes('--no-color') })
    const [first = '', ...more] = describeFailure(error, { verbose, path: at, hasGivenToken }).split('\n')
    world.errorOutput.write(`${[paintNote('red', first), ...more].join('\n')}\n`)
    return 1
  } finally {
    interrupts.close()
  }
}

function readSettings(given: Parameters<typeof readFlags>[1], world: World): Settings {
  // Settings repeats the keys and types of globalFlags as an interface.
  return readFlags(globalFlags, given, world.environment) as unknown as Settings
}

async function createContext(options: {
  readonly world: World
  readonly settings: Settings
  readonly commands: CommandGroup
  readonly interrupts: Interrupts
}): Promise<Context> {
  const { world, settings, commands, interrupts } = options
  const config = openConfig(settings.globalConfig ?? defaultConfigFolder(world))
  const stored = await readStored(settings, config)
  const headers = headersOf(settings.header)
  let client: Client | undefined
  const session = (): { url: string; token: string } => {
    const url = settings.url ?? stored.url
    const token = settings.token ?? stored.token
    if (url === undefined || token === undefined) throw new NotLoggedIn()
    return { url, token }
  }
  return {
    world,
    settings,
    config,
    clock: world.clock,
    terminal: createTerminal({ ...world, noColor: settings.noColor }),
    help: (path) => renderHelp(parseWords(commands, [...path, flagName('help')]), helpColumns(world.output)),
    complete: (words) => completeWords(commands, words),
    signal: interrupts.signal,
    interceptInterrupt: (listener, task) => interrupts.intercept(listener, task),
    get session() {
      return session()
    },
    get client() {
      client ??= connect(world, { ...session(), headers })
      return client
    },
  }
}

/**
 * Reads the stored session. A token is only for the deployment that issued it, and never sent to
 * another.
 */
async function readStored(settings: Settings, config: Config): Promise<{ url: string | undefined; token: string | undefined }> {
  if (settings.url !== undefined && settings.token !== undefined) return { url: undefined, token: undefined }
  const [url, token] = await Promise.all([config.read('url'), config.read('session')])
  const isElsewhere = settings.url !== undefined && url !== undefined && trimSlashes(settings.url) !== trimSlashes(url)
  return { url, token: isElsewhere ? undefined : token }
}

function trimSlashes(url: string): string {
  return url.replace(/\/+$/, '')
}
