import { Value } from '@sinclair/typebox/value'
import { expect, test } from 'vitest'
import { TemplateFile, templateFileJsonSchema } from './template-file.ts'

const least = { local: {}, agents: [{ name: 'main' }] }

test('the smallest template has one agent and a runtime', () => {
  expect(Value.Check(TemplateFile, least)).toBe(true)
})

test('a local template may use every key', () => {
  const file: TemplateFile = {
    name: 'everything',
    description: 'All of it',
    icon: '/icon.svg',
    tags: ['test'],
    parameters: [
      {
        name: 'size',
        type: 'number',
        default: 3,
        description: 'How big',
        validation: { min: 1, max: 5, error: 'no' },
        mutable: false,
        sensitive: false,
      },
      { name: 'region', options: [{ name: 'Europe', value: 'eu', icon: '/eu.svg', description: 'Close' }], default: 'eu' },
    ],
    local: {},
    agents: [
      {
        name: 'main',
        os: 'linux',
        arch: 'amd64',
        directory: '~/x',
        env: { PORT: 8080, NAME: '${{ workspace.name }}' },
        startup_script: 'echo hi',
        connection_timeout: 5,
        troubleshooting_url: 'https://help',
        motd_file: '/etc/motd',
        apps: [
          {
            slug: 'web',
            display_name: 'Web',
            icon: '/web.svg',
            url: 'http://localhost:8080',
            subdomain: true,
            share: 'public',
            external: false,
            healthcheck: { url: 'http://localhost:8080', interval: 5, threshold: 3 },
          },
        ],
      },
    ],
    metadata: [{ key: 'a', value: true, sensitive: true }],
    daily_cost: 2,
  }
  expect([...Value.Errors(TemplateFile, file)]).toEqual([])
})

test('a Kubernetes template may use every key', () => {
  const { local: _, ...rest } = least
  const file: TemplateFile = {
    ...rest,
    kubernetes: {
      use_kubeconfig: true,
      namespace: '${{ parameters.namespace }}',
      image: 'debian:12',
      image_pull_secrets: ['registry'],
      service_account: 'builder',
      user: 0,
      privilege_escalation: true,
      home: { path: '/root', size: '10Gi', storage_class: 'fast' },
      resources: { cpu: 2, memory: '4Gi', cpu_request: '500m', memory_request: '1Gi' },
      node_selector: { 'example.com/pool': 'large' },
      tolerations: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }],
    },
  }
  expect([...Value.Errors(TemplateFile, file)]).toEqual([])
})

test.each([
  ['an unknown key', { ...least, agent: [] }],
  ['no agent', { ...least, agents: [] }],
  ['an agent without a name', { ...least, agents: [{}] }],
  ['a slug with two hyphens', { ...least, agents: [{ name: 'main', apps: [{ slug: 'a--b' }] }] }],
  ['a setting of the local runtime', { ...least, local: { image: 'x' } }],
])('%s is refused', (_, file) => {
  expect(Value.Check(TemplateFile, file)).toBe(false)
})

/** Lists every subschema of a property of the file. */
function properties(schema: unknown, path = ''): [string, Record<string, unknown>][] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([key, value]) => {
    const inside = properties(value, key === 'properties' ? path : `${path}/${key}`)
    if (key !== 'properties') return inside
    return [
      ...Object.entries(Object(value)).map(([name, property]): [string, Record<string, unknown>] => [`${path}/${name}`, Object(property)]),
      ...inside,
    ]
  })
}

test('the JSON Schema for editors is plain, requires exactly one runtime, and describes every property', () => {
  const schema = templateFileJsonSchema()
  expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  expect(schema).toMatchObject({
    additionalProperties: false,
    required: ['agents'],
    oneOf: [{ required: ['local'] }, { required: ['kubernetes'] }],
  })
  const undescribed = properties(schema).filter(([, property]) => typeof property['description'] !== 'string')
  expect(undescribed.map(([path]) => path)).toEqual([])
  expect(properties(schema).length).toBeGreaterThan(30)
})
