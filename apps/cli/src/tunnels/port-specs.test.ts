import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { UsageError } from '../failures.ts'
import { addressOf, maxForwards, parseForwards, type Forward } from './port-specs.ts'

const forward = (localPort: number, remotePort: number, host = '127.0.0.1'): Forward => ({ network: 'tcp', host, localPort, remotePort })

test.each<[string, Forward[]]>([
  ['8080', [forward(8080, 8080)]],
  ['8080:3000', [forward(8080, 3000)]],
  ['0:3000', [forward(0, 3000)]],
  ['0:3000,0:3001', [forward(0, 3000), forward(0, 3001)]],
  ['9000-9002', [forward(9000, 9000), forward(9001, 9001), forward(9002, 9002)]],
  ['10-11:20-21', [forward(10, 20), forward(11, 21)]],
  ['8080, 9090:90', [forward(8080, 8080), forward(9090, 90)]],
  ['0.0.0.0:8080:80', [forward(8080, 80, '0.0.0.0')]],
  ['localhost:1-2:3-4', [forward(1, 3, 'localhost'), forward(2, 4, 'localhost')]],
  ['[::1]:8080:80', [forward(8080, 80, '::1')]],
  ['[::1]:8080', [forward(8080, 8080, '::1')]],
  ['127.0.0.2:80:80,127.0.0.3:80:80', [forward(80, 80, '127.0.0.2'), forward(80, 80, '127.0.0.3')]],
])('%s is read as local and remote ports', (spec, expected) => {
  expect(parseForwards({ tcp: [spec], udp: [] })).toEqual(expected)
})

test('TCP and UDP may use the same port, and flags can be repeated', () => {
  expect(parseForwards({ tcp: ['53', '54'], udp: ['53'] })).toEqual([
    forward(53, 53),
    forward(54, 54),
    { ...forward(53, 53), network: 'udp' },
  ])
})

test.each([
  ['', '"" isn\'t a port to forward.'],
  ['8080,', '"" isn\'t a port to forward.'],
  ['web', '"web" isn\'t a port'],
  ['80:web', '"80:web" isn\'t a port'],
  ['1:2:3:4', "isn't a port"],
  ['::1:80:80', "isn't a port"],
  ['[nonsense]:80:80', '"nonsense" in "[nonsense]:80:80" isn\'t an IPv6 address.'],
  ['-5', "isn't a port"],
  ['5-', "isn't a port"],
  ['1.5', "isn't a port"],
  ['65536', 'a port above 65535'],
  ['99999999999', "isn't a port"],
  ['80:0', 'the remote port 0'],
  ['0', 'the remote port 0'],
  ['10-9', 'ends before it begins'],
  ['1-65535:1', '65535 local and 1 remote ports'],
  ['1-3:1-2', '3 local and 2 remote ports'],
  ['8080,8080:3000', 'The local port tcp 127.0.0.1:8080 is named twice.'],
  ['5-10,7', 'tcp 127.0.0.1:7 is named twice'],
  [`1-${maxForwards + 1}`, `At most ${maxForwards} ports`],
  ['1-65535', `At most ${maxForwards} ports`],
])('%j is refused, with the reason', (spec, message) => {
  expect(() => parseForwards({ tcp: [spec], udp: [] })).toThrow(
    expect.objectContaining({ name: 'UsageError', message: expect.stringContaining(message) as string }),
  )
})

const port = fc.integer({ min: 1, max: 65_535 })
const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('localhost'))

test('what is written for a forward is read back as the same', () => {
  fc.assert(
    fc.property(host, port, port, (address, localPort, remotePort) => {
      const written = `${addressOf({ host: address, localPort })}:${remotePort}`
      expect(parseForwards({ tcp: [], udp: [written] })).toEqual([{ network: 'udp', host: address, localPort, remotePort }])
    }),
  )
})

test('a range is as long on both sides, and in order', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 60_000 }).map((n) => n + 1),
      fc.nat({ max: 60_000 }).map((n) => n + 1),
      fc.nat({ max: maxForwards - 1 }),
      (local, remote, more) => {
        const found = parseForwards({ tcp: [`${local}-${local + more}:${remote}-${remote + more}`], udp: [] })
        expect(found.map(({ localPort, remotePort }) => [localPort - local, remotePort - remote])).toEqual(
          Array.from({ length: more + 1 }, (_, index) => [index, index]),
        )
      },
    ),
  )
})

test('any text is read or refused with a reason, and never makes too many forwards', () => {
  const texts = fc.oneof(fc.string(), fc.stringMatching(/^[0-9:,\-[\].]*$/))
  fc.assert(
    fc.property(fc.array(texts), (tcp) => {
      try {
        expect(parseForwards({ tcp, udp: [] }).length).toBeLessThanOrEqual(maxForwards)
      } catch (error) {
        expect(error).toBeInstanceOf(UsageError)
      }
    }),
  )
})
