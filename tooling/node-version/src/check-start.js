// Runs before `pnpm start` builds anything. Uses only syntax that Node.js 12 knows.
import { readFileSync } from 'fs'
import { nodeComplaint } from './node-complaint.js'

const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
const complaint = nodeComplaint('Berth', manifest.engines.node, process.versions.node)
if (complaint !== '') {
  process.stderr.write(complaint + '\n')
  process.exitCode = 1
}
