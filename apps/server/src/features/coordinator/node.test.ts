import { verifies } from '@berth/requirements'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { latencyOfNode, readNode } from './node.ts'

const map = { Regions: { 999: { EmbeddedRelay: true, RegionID: 999, RegionCode: 'coder', RegionName: 'Here', Nodes: [] } } }

test('latencies are in milliseconds by region name; the preferred region is marked, and unknown ones are numbered', () => {
  verifies('agents:latency')
  const node = { preferred_derp: 999, derp_latency: { '999-v4': 0.0125, '10-v6': 2 } }
  expect(latencyOfNode(node, map)).toEqual({
    Here: { preferred: true, latency_ms: 12.5 },
    'Unnamed 10': { preferred: false, latency_ms: 2000 },
  })
})

test.each([
  {},
  { derp_latency: null },
  { derp_latency: {} },
  { derp_latency: 'fast' },
  { derp_latency: { here: 1, '1-v4': 'x', '-1': 1 } },
])('a node without a latency that can be read has none: %j', (node) => {
  verifies('agents:latency')
  expect(latencyOfNode(node, map)).toBeUndefined()
})

test('whatever an agent sends is a node or is refused, and its latencies are numbers', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc.string(),
        fc.record({ derp_latency: fc.jsonValue() }).map((node) => JSON.stringify(node)),
      ),
      (text) => {
        const node = readNode(Buffer.from(text))
        if (node === undefined) return
        for (const { latency_ms } of Object.values(latencyOfNode(node, map) ?? {})) expect(Number.isFinite(latency_ms)).toBe(true)
      },
    ),
  )
})
