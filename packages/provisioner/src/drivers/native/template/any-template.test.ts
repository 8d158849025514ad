import { verifies } from '@berth/requirements'
import { TemplateFile } from '@berth/schema'
import { runs } from '@berth/vitest/fuzz'
import type { TSchema } from '@sinclair/typebox'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { ProvisionError, type ProvisionMetadata } from '../../../driver.ts'
import { parameterSchemas } from './parameter-schemas.ts'
import { readTemplate, type Template } from './read-template.ts'
import { renderTemplate } from './render-template.ts'
import { TemplateError } from './template-error.ts'

/* Whatever a file holds, reading it gives a template or an error that names places of the file. */

const metadata: ProvisionMetadata = {
  access_url: '',
  workspace_transition: 'start',
  workspace_name: 'dev',
  workspace_id: 'id',
  workspace_owner: 'ada',
  workspace_owner_id: 'id',
  workspace_owner_email: '',
}

/** Reads a file, and uses the template as the driver does. Returns its problems. */
async function problemsOf(text: string): Promise<readonly string[]> {
  let template: Template
  try {
    template = await readTemplate(text)
  } catch (error) {
    if (error instanceof TemplateError) return error.message.split('\n')
    throw error
  }
  expect(parameterSchemas(template.file.parameters ?? [])).toBeInstanceOf(Array)
  await renderTemplate(template, { metadata, parameter_values: [], resourceType: 'x', machine: { os: 'linux', arch: 'amd64' } }).catch(
    (error: unknown) => {
      // A parameter without a default has no value here.
      if (!(error instanceof ProvisionError)) throw error
    },
  )
  return []
}

/** Expects places of the file, and returns how many problems there are. */
async function expectPlaced(text: string): Promise<number> {
  const problems = await problemsOf(text)
  const lines = text.split(/\r\n|\n/)
  for (const [index, problem] of problems.entries()) {
    if (index > 0 && index === problems.length - 1 && /^and (?:at least )?\d+ more$/.test(problem)) continue
    const [, line, column] = /^template\.yaml:([1-9]\d*):([1-9]\d*): \S/.exec(problem) ?? expect.fail(`${problem} has no place`)
    expect(Number(line)).toBeLessThanOrEqual(lines.length)
    expect(Number(column)).toBeLessThanOrEqual((lines[Number(line) - 1]?.length ?? 0) + 2)
  }
  return problems.length
}

const hardTexts = ['', 'a', 'main', '${{ parameters.a }}', '${{', '$${{ x', 'a\nb', '\u2028', '[', '(?=a)', '__proto__', '\0', '007', 'yes']
const anyText = fc.oneof(
  fc.constantFrom(...hardTexts),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/),
  fc.string({ unit: 'binary', maxLength: 20 }),
)
const anyNumber = fc.constantFrom(0, 1, -1, 1.5, 60, 2 ** 31, 2 ** 53, 1e300, Number.NaN, Infinity)
const anyValue = fc.oneof(fc.jsonValue({ maxDepth: 2 }), anyText, anyNumber)

/** Values that mostly fit a schema: in some places there is any other value. */
function fitting(schema: TSchema): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: exactly(schema), weight: 40 }, { arbitrary: anyValue, weight: 1 })
}

function exactly(schema: TSchema): fc.Arbitrary<unknown> {
  if (schema['const'] !== undefined) return fc.constant(schema['const'])
  if (schema['anyOf'] !== undefined) return fc.oneof(...(schema['anyOf'] as TSchema[]).map(exactly)) // a union lists its choices there
  switch (schema['type']) {
    case 'object':
      return objectOf(schema)
    case 'array':
      return fc.array(fitting(schema['items'] as TSchema), { minLength: 1, maxLength: 3 }) // every list of the format has items
    case 'integer':
      return fc.integer({ min: 0, max: 100 })
    case 'number':
      return anyNumber
    case 'boolean':
      return fc.boolean()
    default:
      return schema['pattern'] === undefined ? anyText : fc.stringMatching(/^[a-z]{1,2}$/)
  }
}

function objectOf(schema: TSchema): fc.Arbitrary<unknown> {
  // These keywords have these types in every object schema.
  const {
    properties,
    patternProperties,
    required = [],
  } = schema as {
    properties?: Record<string, TSchema>
    patternProperties?: Record<string, TSchema>
    required?: string[]
  }
  if (properties === undefined) {
    const [values] = Object.values(patternProperties ?? {})
    return fc.dictionary(anyText, values === undefined ? anyValue : fitting(values), { maxKeys: 3 })
  }
  return fc.record(Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, fitting(field)])), {
    requiredKeys: required,
  })
}

test('a file of almost the right shape', async () => {
  verifies('berth:templates:any-content')
  await fc.assert(
    fc.asyncProperty(exactly(TemplateFile), async (file) => {
      await expectPlaced(stringify(file))
    }),
    { numRuns: runs(40) },
  )
})

const whole = {
  name: 'whole',
  tags: ['one'],
  parameters: [
    { name: 'region', options: ['us', { name: 'Europe', value: 'eu' }], default: 'us', validation: { regex: '^[a-z]+$', error: 'no' } },
    { name: 'size', type: 'number', default: 3, validation: { min: 1, max: 5 }, mutable: false },
  ],
  kubernetes: { namespace: 'a', image: 'b', resources: { memory: '1Gi' }, node_selector: { zone: 'x' }, tolerations: [{ key: 'k' }] },
  agents: [{ name: 'main', env: { A: 1 }, startup_script: 'echo ${{ parameters.region }}', apps: [{ slug: 'web', url: 'http://x' }] }],
  metadata: [{ key: 'k', value: '${{ workspace.name }}' }],
}

/** Returns copies of a value, each with another value in one place. */
function changedOnce(value: unknown, change: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [change]
  if (Array.isArray(value))
    return [change, ...value.flatMap((item, at) => changedOnce(item, change).map((changed) => value.with(at, changed)))]
  return [
    change,
    ...Object.entries(value).flatMap(([key, item]: [string, unknown]) =>
      changedOnce(item, change).map((changed) => ({ ...value, [key]: changed })),
    ),
  ]
}

test('any value in any place', async () => {
  verifies('berth:templates:any-content')
  let good = 0
  await fc.assert(
    fc.asyncProperty(anyValue, fc.nat(), fc.boolean(), async (change, choice, isFlow) => {
      const files = changedOnce(whole, change)
      const text = stringify(files[choice % files.length], isFlow ? { collectionStyle: 'flow' } : {})
      if ((await expectPlaced(text)) === 0) good += 1
    }),
    { numRuns: runs(200) },
  )
  // Else this would test only the refusals.
  expect(good).toBeGreaterThan(0)
})

const keys = [
  'local: {}',
  'agents:',
  '  - name: main',
  'parameters:',
  '  - name: p',
  '    options: [us, eu]',
  '    default: us',
  'kubernetes:',
  '  image: x',
]
const values = ['    validation: { regex: "^a+$" }', 'metadata: ', '    env: { A: 1, B: }', '    startup_script: |', '      echo']
const signs = [
  ': ',
  '- ',
  '? ',
  '{',
  '}',
  '[',
  ']',
  ',',
  '&a ',
  '*a',
  '!t ',
  '!!binary ',
  '|',
  '>-',
  '"',
  "'",
  '#',
  '%YAML 1.2',
  '---',
  '...',
  '<<: ',
  '\\q',
]
const characters = [
  '\n',
  '\n  ',
  '\r\n',
  '\r',
  '\t',
  ' ',
  '\0',
  '\ufeff',
  '@',
  '`',
  '~',
  'null',
  '.nan',
  '1e3',
  '${{ parameters.p }}',
  '${{',
  '}}',
  'é',
  '💥',
  '\ud800',
]
const pieces = [...[...keys, ...values].map((line) => `${line}\n`), ...signs, ...characters]

test('any YAML, and what is none', async () => {
  verifies('berth:templates:any-content')
  const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map((parts) => parts.join(''))
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        soup,
        soup.map((text) => `local: {}\nagents: [{ name: main }]\n${text}`),
        fc.string({ unit: 'binary' }),
      ),
      async (text) => {
        await expectPlaced(text)
      },
    ),
    { numRuns: runs(500) },
  )
})
