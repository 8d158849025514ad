import { readFileSync } from 'node:fs'

const { version: own } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

/** Version of the API, which clients compare, then a plus sign and the version of Berth. */
export const version = `v0.13.4+berth.${own}`
