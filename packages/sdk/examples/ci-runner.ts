/**
 * Runs the steps of a project in a fresh workspace, shows what they print, and ends with the exit
 * code of the first that fails.
 * @module
 */
import { createClient } from '@berth/sdk'

const client = createClient({ url: process.env['BERTH_URL'] ?? 'http://127.0.0.1:3000', token: process.env['BERTH_TOKEN'] })
const template = process.env['BERTH_TEMPLATE'] ?? 'local-starter'

const steps = [
  ['sh', '-c', 'echo building; sed "s/WORLD/world/" greeting.in > greeting.txt'],
  ['sh', '-c', 'echo testing; grep -x "hello world" greeting.txt'],
  ['sh', '-c', 'echo checking; test -s changelog.md'],
]

await using box = await client.workspaces.create({ template, ttlMs: 600_000 })
await box.files.write('project/greeting.in', 'hello WORLD\n', { parents: true })

for (const step of steps) {
  const running = box.spawn(step, { cwd: 'project' })
  for await (const line of running.lines()) console.log(line)
  const { exitCode } = await running.exited()
  if (exitCode === 0) continue
  console.log(`A step failed with exit code ${exitCode}: ${step.join(' ')}`)
  process.exitCode = exitCode
  break
}
