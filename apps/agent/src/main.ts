import { startAgent, type Agent } from './agent.ts'
import { readConfig, type AgentConfig } from './config.ts'
import { signInByInstance } from './instance-identity.ts'
import { createLogger, reasonOf } from './logger.ts'
import { agentVersion } from './version.ts'

/** Just below the 3 s within which the agent promises to exit. */
const stopTimeoutMs = 2_800

const logger = createLogger((line) => process.stderr.write(line))
const config = readConfig(process.env)
if ('problem' in config) {
  process.stderr.write(`berth-agent: ${config.problem}\n`)
  process.exitCode = 1
} else if ('auth' in config) {
  const { serverUrl } = config
  signInByInstance(config, logger)
    .then((token) => run({ serverUrl, token }))
    .catch((error: unknown) => {
      logger.error('The agent could not be started', { reason: reasonOf(error) })
      process.exit(1)
    })
} else {
  run(config)
}

function run(settings: AgentConfig): void {
  let started: Agent | undefined
  // An error in one stream must not end everyone else's sessions.
  const survive = (error: unknown): void => {
    logger.error('An unexpected error occurred', { reason: reasonOf(error) })
    if (!started) process.exit(1)
  }
  process.on('uncaughtException', survive)
  process.on('unhandledRejection', survive)
  process.stderr.on('error', () => undefined)
  started = startAgent({ config: settings, environment: process.env, logger, version: agentVersion })
  const agent = started
  let stopping = false
  const stop = (signal: NodeJS.Signals): void => {
    if (stopping) return
    stopping = true
    logger.info('Stopping', { signal })
    const limit = setTimeout(() => process.exit(0), stopTimeoutMs)
    limit.unref()
    agent
      .stop()
      .catch((error: unknown) => logger.error('The agent did not stop cleanly', { reason: reasonOf(error) }))
      .finally(() => process.exit(0))
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // The agent outlives the terminal it was started from.
  process.on('SIGHUP', () => undefined)
}
