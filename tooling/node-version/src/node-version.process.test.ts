import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { verifies } from '@berth/requirements'
import { expect, test } from 'vitest'
import { nodeComplaint } from './node-complaint.js'
import { writeEntry } from './write-entry.js'

test.each(['20.19.0', '20.19.4', '20.20.0', '22.0.0', '21.1.0', '100.0.0', '20.19'])('Node.js %s is new enough for >=20.19', (version) => {
  expect(nodeComplaint('berth', '>=20.19', version)).toBe('')
})

test.each(['12.22.12', '14.21.3', '18.20.8', '20.0.0', '20.18.3', '20', '0.10.48'])('Node.js %s is too old for >=20.19', (version) => {
  expect(nodeComplaint('berth', '>=20.19', version)).toBe(
    `berth needs Node.js 20.19 or later, and this is ${version}. Install a newer one from https://nodejs.org.`,
  )
})

test('an old Node.js gets one line from the entry and never sees the program', async () => {
  verifies('berth:start:old-node')
  const folder = await mkdtemp(join(tmpdir(), 'berth-entry-'))
  try {
    const manifest = join(folder, 'package.json')
    await writeFile(manifest, '{"type":"module","engines":{"node":">=20.19"}}')
    await writeFile(join(folder, 'old.cjs'), "Object.defineProperty(process, 'versions', { value: { node: '14.21.3' } })")
    await writeFile(join(folder, 'program.js'), "console.log('ran', await Promise.resolve(process.argv[2] ?? ''))")
    await writeEntry({ folder, program: 'berth', module: 'program.js', manifest })
    const run = async (...flags: string[]) => await promisify(execFile)(process.execPath, [...flags, join(folder, 'main.js'), 'word'])
    expect(await run()).toMatchObject({ stdout: 'ran word\n', stderr: '' })
    await expect(run('--require', join(folder, 'old.cjs'))).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'berth needs Node.js 20.19 or later, and this is 14.21.3. Install a newer one from https://nodejs.org.\n',
    })
  } finally {
    await rm(folder, { recursive: true })
  }
})
