/**
 * Lets an agent change a program until its test passes. The agent here knows three attempts by
 * heart; a real one would send the test's output to a model, and write what the model answers.
 * @module
 */
import { createClient } from '@berth/sdk'

const client = createClient({ url: process.env['BERTH_URL'] ?? 'http://127.0.0.1:3000', token: process.env['BERTH_TOKEN'] })
const template = process.env['BERTH_TEMPLATE'] ?? 'local-starter'

const attempts = ['echo $(($1 - $2))', 'echo $(($1 * $2))', 'echo $(($1 + $2))']

await using box = await client.workspaces.create({ template, ttlMs: 600_000 })
await box.files.write('agent/test.sh', 'test "$(sh add.sh 2 3)" = 5 || { echo "2 + 3 is not $(sh add.sh 2 3)"; exit 1; }\n', {
  parents: true,
})

for (const [index, attempt] of attempts.entries()) {
  await box.files.write('agent/add.sh', `${attempt}\n`)
  const { exitCode, stdout } = await box.exec(['sh', 'test.sh'], { cwd: 'agent', timeoutMs: 10_000 })
  if (exitCode === 0) {
    console.log(`The test passes after ${index + 1} attempts: ${await box.files.readText('agent/add.sh')}`)
    break
  }
  console.log(`The test failed: ${stdout.trim()}`)
}
