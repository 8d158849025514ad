/**
 * Spreads work over many workspaces that run at the same time, and adds up what they answer.
 * @module
 */
import { createClient } from '@berth/sdk'

const client = createClient({ url: process.env['BERTH_URL'] ?? 'http://127.0.0.1:3000', token: process.env['BERTH_TOKEN'] })
const template = process.env['BERTH_TEMPLATE'] ?? 'local-starter'
const size = Number(process.env['FLEET_SIZE'] ?? '20')

/** Adds up the numbers of one share, in a workspace of its own. */
async function sumOf(share: number): Promise<number> {
  await using box = await client.workspaces.create({ template, ttlMs: 600_000 })
  const numbers = Array.from({ length: 1000 }, (_, index) => share * 1000 + index)
  await box.files.write('numbers.txt', numbers.join('\n'))
  const { stdout } = await box.exec(['awk', '{ sum += $1 } END { print sum }', 'numbers.txt'])
  return Number(stdout)
}

const sums = await Promise.all(Array.from({ length: size }, async (_, share) => await sumOf(share)))
console.log(`${size} workspaces counted ${sums.reduce((all, sum) => all + sum, 0)}`)
