import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { runProgram } from './run-program.ts'

const ARCHITECTURES: Readonly<Partial<Record<NodeJS.Architecture, string>>> = { x64: 'amd64', arm64: 'arm64' }

interface Image {
  readonly name: string
  readonly rootDirectory: string
  readonly entrypoint: readonly string[]
}

/**
 * Packs a folder as an image with one layer, in the format of `docker save`. Returns the path of
 * the archive in `scratch`.
 */
export async function packImage(scratch: string, { name, rootDirectory, entrypoint }: Image): Promise<string> {
  const layer = join(scratch, 'layer.tar')
  await runProgram('tar', ['--create', '--numeric-owner', '--sort=name', `--file=${layer}`, `--directory=${rootDirectory}`, '.'])
  const digest = createHash('sha256')
  await pipeline(createReadStream(layer), digest)
  const config = {
    architecture: ARCHITECTURES[process.arch],
    os: 'linux',
    config: { Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'], Entrypoint: entrypoint },
    rootfs: { type: 'layers', diff_ids: [`sha256:${digest.digest('hex')}`] },
  }
  await writeFile(join(scratch, 'config.json'), JSON.stringify(config))
  const manifest = [{ Config: 'config.json', RepoTags: [name], Layers: ['layer.tar'] }]
  await writeFile(join(scratch, 'manifest.json'), JSON.stringify(manifest))
  const archive = join(scratch, 'image.tar')
  await runProgram('tar', ['--create', `--file=${archive}`, `--directory=${scratch}`, 'manifest.json', 'config.json', 'layer.tar'])
  return archive
}
