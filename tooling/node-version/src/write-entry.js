import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodeComplaint } from './node-complaint.js'

/**
 * Writes `main.js`, which every Node.js since 12 can parse. It says which version the program needs
 * if this one is too old, and otherwise imports the program.
 *
 * @param {object} options
 * @param {string} options.folder the output of the build
 * @param {string} options.program what the user starts, for example `berth`
 * @param {string} options.module the program's module in the folder, for example `program.js`
 * @param {URL | string} options.manifest path of the package.json whose `engines.node` counts
 */
export async function writeEntry({ folder, program, module, manifest }) {
  const { engines } = JSON.parse(await readFile(manifest, 'utf8'))
  const path = join(folder, 'main.js')
  await writeFile(
    path,
    `// Written by the build. An old Node.js can parse this file, but not the program.
${nodeComplaint.toString()}

const complaint = nodeComplaint(${JSON.stringify(program)}, ${JSON.stringify(engines.node)}, process.versions.node)
if (complaint === '') {
  import('module')
    .then((module) => module.enableCompileCache && module.enableCompileCache()) // Node.js 22.8 and later
    .then(() => import(${JSON.stringify(`./${module}`)}))
} else {
  process.stderr.write(complaint + '\\n')
  process.exitCode = 1
}
`,
  )
  await chmod(path, 0o755)
}
