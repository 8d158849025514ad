// Runs the command line of a checkout: the built one if it was built from the sources that are
// there, which starts in a tenth of a second, otherwise the sources. Uses only syntax that Node.js
// 12 knows.
import { spawn } from 'child_process'
import { existsSync, readFileSync } from 'fs'
import { fileURLToPath } from 'url'
import { sourceHash } from './source-hash.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const built = new URL('../dist/main.js', import.meta.url)
const packages = new URL('../../../node_modules/', import.meta.url)

if (isFresh()) void import(built.href)
else if (existsSync(packages)) void import('@berth/node-version/complaint').then(runSources)
else fail('Nothing is installed in ' + root + ' yet. Run this there first: npx -y pnpm@10 install')

function isFresh() {
  const stamp = new URL('../dist/sources.json', import.meta.url)
  if (!existsSync(built) || !existsSync(stamp)) return false
  const { paths, hash } = JSON.parse(readFileSync(stamp, 'utf8'))
  return sourceHash(root, paths) === hash
}

function runSources({ nodeComplaint }) {
  const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  const complaint = nodeComplaint('berth', engines.node, process.versions.node)
  if (complaint !== '') return fail(complaint)
  const loader = new URL('tsx/dist/loader.mjs', packages)
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const flags = ['--conditions=@berth/source', '--import', loader.href, main]
  const child = spawn(process.execPath, flags.concat(process.argv.slice(2)), { stdio: 'inherit' })
  // A terminal sends these to both processes, and the command decides what they mean.
  for (const signal of ['SIGINT', 'SIGQUIT']) process.on(signal, () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

function fail(message) {
  process.stderr.write(message + '\n')
  process.exitCode = 1
}
