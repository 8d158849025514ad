import { pino, type Logger } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Config } from './settings/config.ts'

/** Returns a logger that writes to standard error, in colors if that is a terminal. */
export function createLogger({ logLevel }: Config): Logger {
  const { err } = pino.stdSerializers
  const options = { level: logLevel, serializers: { err, error: err } }
  // Standard output is for people.
  if (!process.stderr.isTTY) return pino(options, pino.destination(2))
  const pretty = prettyFactory({ colorize: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss' })
  return pino(options, { write: (line) => void process.stderr.write(pretty(line)) })
}
