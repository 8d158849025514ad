import { createKubernetesRuntime, createNativeDriver } from '@berth/provisioner'
import { verifies } from '@berth/requirements'
import type { TemplateVersion } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { imported } from './import-archive.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'
import { tarEntry } from './tar-entry.ts'

/* What clients see of a template that Berth's own provisioner can't read, or only just. */

let server: TestServer
beforeAll(async () => {
  server = await startTestServer({
    drivers: [createNativeDriver({ runtimes: { kubernetes: createKubernetesRuntime({ kubeconfigPaths: [] }) } })],
  })
})
afterAll(async () => await server.stop())

const least = 'kubernetes: { namespace: a, image: b }\nagents: [{ name: main }]\n'

async function importOf(text: string): Promise<TemplateVersion> {
  return await imported(server, tarEntry('template.yaml', text), { provisioner: 'berth' })
}

test('plain values are options', async () => {
  verifies('berth:templates:plain-options')
  const { id, job } = await importOf(`${least}parameters: [{ name: region, options: [us, eu], default: us }]\n`)
  expect(job.error ?? '').toBe('')
  const [schema] = await server.client.templateVersions.schema({ params: { templateversion: id } })
  expect(schema).toMatchObject({ name: 'region', validation_contains: ['eu', 'us'] })
})

const quotes = `"${'\\q'.repeat(100_000)}"`

test.each([
  ['an option that is none', 'parameters: [{ name: p, options: [us, [eu]], default: us }]', '3:39: "an entry of options" is a list'],
  ['an option that is null', 'parameters: [{ name: p, options: [us, ~], default: us }]', '3:39: "an entry of options" is empty'],
  ['a look-around', 'parameters: [{ name: p, validation: { regex: "^(?!a)" } }]', '3:46: the regular expression is invalid: '],
  ['a back-reference', "parameters: [{ name: p, validation: { regex: '(a)\\1' } }]", '3:46: the regular expression is invalid: '],
  [
    'too many repetitions',
    'parameters: [{ name: p, validation: { regex: "((a{30}){30}){9}" } }]',
    '3:46: the regular expression is invalid: ',
  ],
  ['too much text', '#'.repeat(256 * 1024), '1:1: the file is longer than 262144 characters'],
  ['too many escape sequences that are none', `description: ${quotes}`, '3:15: this is no escape sequence'],
  ['values that nest too deep', `description: ${'['.repeat(100_000)}`, '3:77: values nest more than 64 deep'],
])('the job of a template with %s says where', async (_, text, problem) => {
  verifies('berth:templates:any-content')
  const { job } = await importOf(`${least}${text}\n`)
  expect(job).toMatchObject({ status: 'failed', error: expect.stringContaining(`template.yaml:${problem}`) })
})
