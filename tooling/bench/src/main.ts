import { agents } from './agents.ts'
import { boots } from './boots.ts'
import { pages } from './pages.ts'
import { people } from './people.ts'
import { watch } from './watch.ts'

/*
 * What Berth promises about speed and size, measured on the built server as people run it: `pnpm bench` for everything, `pnpm bench pages watch` for parts. Figures depend on the machine: compare
 * them with others of the same machine.
 */

const SUITES: Readonly<Record<string, () => Promise<void>>> = { boots, pages, watch, agents, people }

const named = process.argv.slice(2)
const unknown = named.filter((name) => !Object.hasOwn(SUITES, name))
if (unknown.length > 0) {
  process.stderr.write(`there is no part ${unknown.join(', ')}; there are ${Object.keys(SUITES).join(', ')}\n`)
  process.exitCode = 2
} else {
  for (const [name, run] of Object.entries(SUITES)) {
    if (named.length > 0 && !named.includes(name)) continue
    process.stdout.write(`\n${name}\n`)
    await run()
  }
}
