/**
 * Bundles the package together with the client of Kubernetes, a chunk of its own. Installed whole,
 * that client takes four times the space. The compiler then adds the types.
 */
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { bundlePackage, entriesOf } from '@berth/bundle'

const folder = fileURLToPath(new URL('..', import.meta.url))
const dist = `${folder}dist`

await rm(dist, { recursive: true, force: true })
await bundlePackage({ folder, outdir: dist, entries: await entriesOf(folder), define: { STARTER_TEMPLATES: '"../templates"' } })
