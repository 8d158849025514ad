import { readFile, readdir, realpath, stat } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'

/** One file of a program. */
export interface ProgramFile {
  /** Where it belongs in a copy of the program. */
  readonly path: string
  readonly source: string
}

/**
 * Returns the files of a program in a fixed order: those of its folder, and those of the packages
 * that its `package.json` names and that are installed around the folder. In a copy, all packages
 * stand in `node_modules`. Follows links, because a copy has none. Leaves out packages that aren't
 * installed: optional ones for other machines.
 */
export async function programFiles(root: string): Promise<readonly ProgramFile[]> {
  const files = (await filesBelow(root)).map((path) => ({ path, source: join(root, path) }))
  const packages = new Map<string, string>()
  await addPackages(root, packages)
  for (const [name, folder] of [...packages].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    if (isBelow(root, folder)) continue
    const home = join('node_modules', name)
    files.push(...(await filesBelow(folder)).map((path) => ({ path: join(home, path), source: join(folder, path) })))
  }
  return files
}

/** Adds the folders of the packages that a package needs, and those that these need. */
async function addPackages(folder: string, packages: Map<string, string>): Promise<void> {
  for (const name of await dependenciesOf(folder)) {
    if (packages.has(name)) continue
    const found = await findPackage(folder, name)
    if (found === undefined) continue
    packages.set(name, found)
    await addPackages(found, packages)
  }
}

async function dependenciesOf(folder: string): Promise<string[]> {
  const text = await readFile(join(folder, 'package.json'), 'utf8').catch(() => '{}')
  // An installed manifest, which npm or pnpm has read before.
  const { dependencies = {}, optionalDependencies = {} } = JSON.parse(text) as Readonly<Record<string, object | undefined>>
  return Object.keys({ ...dependencies, ...optionalDependencies })
}

/** Finds a package where Node would: in the `node_modules` of the folder or of one above it. */
async function findPackage(folder: string, name: string): Promise<string | undefined> {
  for (let current = folder; ; current = dirname(current)) {
    const found = join(current, 'node_modules', name)
    if (await isFile(join(found, 'package.json'))) return await realpath(found)
    if (current === dirname(current)) return undefined
  }
}

async function filesBelow(root: string, below = ''): Promise<string[]> {
  const found: string[] = []
  for (const name of (await readdir(join(root, below))).toSorted()) {
    const path = join(below, name)
    if ((await stat(join(root, path))).isDirectory()) found.push(...(await filesBelow(root, path)))
    else found.push(path)
  }
  return found
}

const isBelow = (root: string, folder: string): boolean => relative(root, folder).split(sep)[0] !== '..'

async function isFile(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
}
