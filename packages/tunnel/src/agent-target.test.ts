import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  agentTargetKind,
  formatAgentTarget,
  maxSpeedTestBytes,
  maxSpeedTestMs,
  parseAgentTarget,
  type AgentTarget,
} from './agent-target.ts'
import { TunnelRefusal } from './failures.ts'

const size = fc.integer({ min: 1, max: 65_535 })
const command = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0'))
const targets: fc.Arbitrary<AgentTarget> = fc.oneof(
  fc.constantFrom<AgentTarget>({ kind: 'ssh' }, { kind: 'listening-ports' }, { kind: 'echo' }, { kind: 'call' }),
  fc.record({ kind: fc.constantFrom('port' as const, 'udp' as const), port: size }),
  fc.record({
    kind: fc.constant('speed-test' as const),
    direction: fc.constantFrom('down' as const, 'up' as const),
    durationMs: fc.integer({ min: 1, max: maxSpeedTestMs }),
    bytes: fc.integer({ min: 1, max: maxSpeedTestBytes }),
  }),
  fc.record(
    { kind: fc.constant('terminal' as const), id: fc.uuid(), height: size, width: size, command },
    { requiredKeys: ['kind', 'id', 'height', 'width'] },
  ),
)

test('every target is read back as it was written, and has the form of its kind', () => {
  fc.assert(
    fc.property(targets, (target) => {
      const text = formatAgentTarget(target)
      expect(text).toMatch(/^[\x21-\x7e]+$/)
      expect(agentTargetKind(text)).toBe(target.kind)
      expect(parseAgentTarget(text)).toEqual(target)
    }),
  )
})

test('any text is refused with 400 or 404, or is a target that is written and read back the same', () => {
  const texts = fc.oneof(
    fc.string(),
    fc
      .tuple(
        fc.constantFrom(
          'ssh',
          'ports/',
          'pty?',
          'pty?id=',
          'listening-ports',
          'ports/80',
          'echo',
          'udp/',
          'speed-test?',
          'speed-test?direction=up&ms=1&bytes=',
        ),
        fc.string(),
      )
      .map((parts) => parts.join('')),
    fc
      .record({ id: fc.oneof(fc.uuid(), fc.string()), height: fc.string(), width: fc.string(), command: fc.string() })
      .map((query) => `pty?${new URLSearchParams(query).toString()}`),
  )
  fc.assert(
    fc.property(texts, (text) => {
      try {
        const target = parseAgentTarget(text)
        expect(parseAgentTarget(formatAgentTarget(target))).toEqual(target)
      } catch (error) {
        expect(error).toBeInstanceOf(TunnelRefusal)
        expect([400, 404]).toContain((error as TunnelRefusal).status)
      }
    }),
  )
})

const id = '2f0a4a3e-30c1-44a8-8a4e-8f6f9d1b2c3d'

test.each<[string, AgentTarget]>([
  ['ssh', { kind: 'ssh' }],
  ['listening-ports', { kind: 'listening-ports' }],
  ['call', { kind: 'call' }],
  ['ports/8080', { kind: 'port', port: 8080 }],
  ['udp/5353', { kind: 'udp', port: 5353 }],
  ['echo', { kind: 'echo' }],
  ['speed-test?direction=up&ms=5000&bytes=1024', { kind: 'speed-test', direction: 'up', durationMs: 5000, bytes: 1024 }],
  [`pty?id=${id}&height=25&width=100&command=bash+-l`, { kind: 'terminal', id, height: 25, width: 100, command: 'bash -l' }],
])('%s is dialled as it always was', (text, target) => {
  expect(formatAgentTarget(target)).toBe(text)
  expect(parseAgentTarget(text)).toEqual(target)
})

test.each<[string, AgentTarget]>([
  [`pty?id=${id.toUpperCase()}`, { kind: 'terminal', id, height: 80, width: 80 }],
  [`pty?id=${id}&height=0&width=65536&command=`, { kind: 'terminal', id, height: 80, width: 80 }],
  [`pty?id=${id}&height=tall&width=1.5`, { kind: 'terminal', id, height: 80, width: 80 }],
])('%s has the standard size', (text, target) => {
  expect(parseAgentTarget(text)).toEqual(target)
})

test.each([
  ['pty?id=nonsense', 400, 'not a UUID'],
  ['pty?', 400, 'not a UUID'],
  [`pty?id=${id}&command=%00`, 400, 'zero byte'],
  ['ports/0', 400, 'not a port'],
  ['ports/65536', 400, 'not a port'],
  ['ports/80/../22', 400, 'not a port'],
  ['ports/', 400, 'not a port'],
  ['udp/0', 400, 'not a port'],
  ['udp/x', 400, 'not a port'],
  ['speed-test?', 400, 'direction'],
  ['speed-test?direction=down&ms=0&bytes=1', 400, 'milliseconds'],
  [`speed-test?direction=down&ms=${maxSpeedTestMs + 1}&bytes=1`, 400, 'milliseconds'],
  ['speed-test?direction=up&ms=1', 400, 'bytes'],
  [`speed-test?direction=up&ms=1&bytes=${maxSpeedTestBytes + 1}`, 400, 'bytes'],
  ['pty', 404, 'does not know'],
  ['SSH', 404, 'does not know'],
  ['../ssh', 404, 'does not know'],
])('%s is refused with %d', (text, status, message) => {
  expect(() => parseAgentTarget(text)).toThrow(expect.objectContaining({ status, message: expect.stringContaining(message) as string }))
})

test.each(['pty', 'ports/', 'ports/8080/more', 'ports/123456', 'SSH', '../ssh', ''])('%j has the form of no target', (text) => {
  expect(agentTargetKind(text)).toBeUndefined()
})
