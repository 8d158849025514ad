import { startAgent, type Agent } from './agent.ts'
import { readConfig, type AgentConfig } from './config.ts'
import { signInByInstance } from './instance-identity.ts'
import { createLogger, reasonOf } from './logger.ts'
import { agentVersion } from './version.ts'

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
  // One stream's mishap must not take down the sessions of everybody else.
  const survive = (error: unknown): void => {
    logger.error('Something unexpected went wrong', { reason: reasonOf(error) })
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
    const limit = setTimeout(() => process.exit(0), 2_800)
    limit.unref()
    agent
      .stop()
      .catch((error: unknown) => logger.error('Not everything could be ended', { reason: reasonOf(error) }))
      .finally(() => process.exit(0))
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  // The terminal the agent was started from may go; the workspace stays.
  process.on('SIGHUP', () => undefined)
}
