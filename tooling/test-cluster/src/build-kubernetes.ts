import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runProgram } from './run-program.ts'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))

/** The folder with the programs of Kubernetes, and whether this call built them. */
export interface KubernetesBuild {
  readonly directory: string
  readonly isNew: boolean
}

/**
 * Returns the folder for the programs, whether it exists or not. Its name changes with the sources,
 * so that programs of another version are never used.
 */
export async function kubernetesDirectory(): Promise<string> {
  const [modules, pause] = await Promise.all(['go.mod', 'pause/main.go'].map((path) => readFile(join(PACKAGE, path), 'utf8')))
  const digest = createHash('sha256').update(`${modules}${pause}`).digest('hex').slice(0, 10)
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  return join(cache, 'berth', `kubernetes-${versionIn(modules ?? '')}-${digest}`)
}

/**
 * Builds the programs that `go.mod` names as tools, and `pause`. The folder gets its final name
 * last, so it is always complete.
 */
export async function buildKubernetes(): Promise<KubernetesBuild> {
  const directory = await kubernetesDirectory()
  if (existsSync(directory)) return { directory, isNew: false }
  await mkdir(dirname(directory), { recursive: true })
  const unfinished = await mkdtemp(`${directory}.`)
  try {
    const flags = await linkerFlags()
    // Without cgo the build needs no C compiler, and pause runs in an otherwise empty image.
    const environment = { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false', GOWORK: 'off' }
    await runProgram('go', ['build', '-o', `${unfinished}/`, '-ldflags', flags, 'tool', './pause'], { directory: PACKAGE, environment })
    await rename(unfinished, directory)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    // Another process may have finished the same build first.
    if (!existsSync(directory)) throw error
  }
  return { directory, isNew: true }
}

/**
 * Returns flags that omit debugging tables and set the version, which would otherwise be v0.0.0.
 */
async function linkerFlags(): Promise<string> {
  const version = versionIn(await readFile(join(PACKAGE, 'go.mod'), 'utf8'))
  const [major = '', minor = ''] = version.replace('v', '').split('.')
  const facts = { gitVersion: version, gitMajor: major, gitMinor: minor }
  return ['-s', '-w', ...Object.entries(facts).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)].join(' ')
}

function versionIn(modules: string): string {
  const [, version] = /^require k8s\.io\/kubernetes (v\S+)|^\tk8s\.io\/kubernetes (v\S+)/m.exec(modules)?.filter(Boolean) ?? []
  if (!version) throw new Error('go.mod does not require k8s.io/kubernetes')
  return version
}
