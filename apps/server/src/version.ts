import { readFileSync } from 'node:fs'

const { version: own } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

/** The API that the server speaks and, behind the plus sign, its own version. Clients compare the part before it. */
export const version = `v0.13.4+berth.${own}`
