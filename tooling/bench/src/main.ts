import { agents } from './agents.ts'
import { apps } from './apps.ts'
import { boots } from './boots.ts'
import { pages } from './pages.ts'
import { people } from './people.ts'
import { relay } from './relay.ts'
import { ssh } from './ssh.ts'
import { streams } from './streams.ts'
import { turns } from './turns.ts'
import { watch } from './watch.ts'

/*
 * Measures Berth's promises about speed and size on the built server, as users run it: `pnpm bench`
 * measures everything, `pnpm bench pages watch` parts. Compare figures of the same machine only.
 */

const SUITES: Readonly<Record<string, () => Promise<void>>> = { boots, pages, watch, agents, streams, relay, ssh, apps, people, turns }

const named = process.argv.slice(2)
const unknown = named.filter((name) => !Object.hasOwn(SUITES, name))
if (unknown.length > 0) {
  process.stderr.write(`There is no part "${unknown.join('", "')}". Choose from ${Object.keys(SUITES).join(', ')}.\n`)
  process.exitCode = 2
} else {
  for (const [name, run] of Object.entries(SUITES)) {
    if (named.length > 0 && !named.includes(name)) continue
    process.stdout.write(`\n${name}\n`)
    await run()
  }
}
