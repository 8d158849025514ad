import { readFileSync } from 'node:fs'
import { reportedVersion } from '@berth/schema/rules'

const { version: own } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

/** The version that the server reports. */
export const version = reportedVersion(own)
