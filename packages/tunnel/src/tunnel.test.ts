import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { runs } from '@berth/vitest/fuzz'
import { WebSocket } from 'ws'
import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { deferred } from '../test/deferred.ts'
import { readAll } from '../test/read-all.ts'
import { maxHeldBytes, startStreamWindowBytes } from './flow-control.ts'
import { tunnelPair, type TunnelPair } from '../test/socket-pair.ts'
import {
  answerTunnel,
  closeReasons,
  closeSocket,
  dialTunnel,
  socketStream,
  StreamBudget,
  TunnelClosed,
  TunnelRefusal,
  TunnelStreamReset,
  type AnswerOptions,
  type TunnelRequest,
} from './index.ts'

const pairs: TunnelPair[] = []
const open = async (answer: (request: TunnelRequest) => void | Promise<void>, options: AnswerOptions = {}): Promise<TunnelPair> => {
  const pair = await tunnelPair(answer, options)
  pairs.push(pair)
  return pair
}
const echo = ({ accept }: TunnelRequest): void => {
  const stream = accept()
  stream.on('error', () => undefined)
  stream.pipe(stream)
}
/** Records errors and closes of a stream, so that a test can assert that each happened once. */
const watch = (stream: Duplex): { errors: Error[]; closes: number } => {
  const seen = { errors: [] as Error[], closes: 0 }
  stream.on('error', (error) => seen.errors.push(error))
  stream.on('close', () => (seen.closes += 1))
  return seen
}

afterEach(async () => {
  await Promise.all(pairs.splice(0).map((pair) => pair.stop()))
})

describe('memory', () => {
  test.each([150, 1_000])('%i streams that nobody reads stay within the budget, and closing the tunnel returns it', async (count) => {
    const budget = new StreamBudget({ maxStreams: 2_000, maxBytes: maxHeldBytes })
    const pair = await tunnelPair(({ accept }) => void accept().on('error', () => undefined), { answering: { budget } })
    pairs.push(pair)
    const { dialing, answering } = pair
    const streams = await Promise.all(Array.from({ length: count }, () => dialing.dial('stalled')))
    const chunk = Buffer.alloc(16 * 1024)
    for (let round = 0; round < 20; round++) {
      for (const stream of streams) if (!stream.writableNeedDrain) stream.write(chunk)
      await dialing.ping()
    }
    expect(budget.use().streams).toBe(count)
    expect(budget.use().bytes).toBeGreaterThan(count * 1024)
    expect(budget.use().bytes).toBeLessThanOrEqual(maxHeldBytes)
    dialing.close()
    await Promise.all([dialing.closed, answering.closed])
    expect(budget.use()).toEqual({ streams: 0, bytes: 0 })
    expect(budget.tunnels).toBe(0)
  })

  test('streams that exceed a shared budget end, those that hold the most first', async () => {
    const budget = new StreamBudget({ maxStreams: 100, maxBytes: 100_000 })
    const errors: string[] = []
    const pair = await tunnelPair(
      ({ accept, target }) => {
        const stream = accept()
        stream.on('error', (error) => errors.push(error.message))
        if (target === 'read') stream.pipe(stream)
      },
      { answering: { budget } },
    )
    pairs.push(pair)
    const stalled = await Promise.all(Array.from({ length: 8 }, () => pair.dialing.dial('stalled')))
    const ends = stalled.map(async (stream) => await new Promise<void>((resolve) => void stream.once('close', resolve)))
    const read = await pair.dialing.dial('read')
    for (const stream of stalled) stream.write(Buffer.alloc(60_000))
    await Promise.race(ends)
    expect(errors[0]).toBe('The stream was ended: too many bytes that nobody read were waiting.')
    expect(budget.use().bytes).toBeLessThanOrEqual(100_000 + 256 * 1024)
    read.end('still here')
    expect((await readAll(read)).toString()).toBe('still here')
  })

  test('a stream above the number that several tunnels share is refused', async () => {
    const budget = new StreamBudget({ maxStreams: 3, maxBytes: maxHeldBytes })
    const tunnels = await Promise.all(
      [1, 2].map(async () => await tunnelPair(({ accept }) => void accept().on('error', () => undefined), { answering: { budget } })),
    )
    pairs.push(...tunnels)
    const [first, second] = tunnels.map(({ dialing }) => dialing)
    for (const dialing of [first, second, first]) await dialing?.dial('x')
    await expect(second?.dial('x')).rejects.toMatchObject({ name: 'TunnelRefusal', status: 503 })
  })

  test('an end is passed on by a stream whose window shrank below what it holds', async () => {
    const accepted: Duplex[] = []
    const { dialing } = await open(({ accept }) => void accepted.push(accept()))
    const first = await dialing.dial('x')
    const payload = randomBytes(60_000)
    first.end(payload)
    await Promise.all(Array.from({ length: 900 }, () => dialing.dial('x')))
    await dialing.ping()
    const [stream] = accepted
    expect(stream === undefined ? undefined : (await readAll(stream)).equals(payload)).toBe(true)
  })
})

describe('bytes', () => {
  test('any chunks on many streams at once arrive whole and in order, both ways', async () => {
    const { dialing } = await open(echo)
    const chunks = fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(fc.array(chunks, { minLength: 1, maxLength: 25 }), async (plan) => {
        await Promise.all(
          plan.map(async (sizes, index) => {
            const stream = await dialing.dial(`echo/${index}`)
            const sent = createHash('sha256')
            const received = readAll(stream)
            for (const size of sizes) {
              const chunk = randomBytes(size)
              sent.update(chunk)
              if (!stream.write(chunk)) await once(stream, 'drain')
            }
            stream.end()
            const back = await received
            expect(createHash('sha256').update(back).digest('hex')).toBe(sent.digest('hex'))
          }),
        )
      }),
      { numRuns: runs(5) },
    )
  })

  test('300 streams are open at the same time and each has its own bytes', async () => {
    const { dialing } = await open(echo)
    const streams = await Promise.all(Array.from({ length: 300 }, (_, index) => dialing.dial(`echo/${index}`)))
    const answers = await Promise.all(
      streams.map(async (stream, index) => {
        stream.end(`stream ${index}`)
        return (await readAll(stream)).toString()
      }),
    )
    expect(answers).toEqual(streams.map((_, index) => `stream ${index}`))
  })

  test('the dialing end can end its side while the answer still flows', async () => {
    const { dialing } = await open(async ({ accept }) => {
      const stream = accept()
      const question = await readAll(stream)
      stream.write('you said ')
      stream.end(question)
    })
    const stream = await dialing.dial('question')
    stream.end('hello')
    expect((await readAll(stream)).toString()).toBe('you said hello')
  })

  test('the answer can end while the question still flows, and the rest of the question is still read', async () => {
    let question = ''
    const heard = deferred<void>()
    const { dialing } = await open(async ({ accept }) => {
      const stream = accept()
      stream.end('answer')
      question = (await readAll(stream)).toString()
      heard.resolve()
    })
    const stream = await dialing.dial('early')
    expect((await readAll(stream)).toString()).toBe('answer')
    stream.end('late question')
    await heard.promise
    expect(question).toBe('late question')
  })

  test('a stream that was finished properly at both ends closes without an error', async () => {
    const { dialing } = await open(echo)
    const stream = await dialing.dial('echo')
    const seen = watch(stream)
    stream.end('x')
    await readAll(stream)
    if (!stream.closed) await once(stream, 'close')
    expect(seen).toEqual({ errors: [], closes: 1 })
  })
})

describe('back-pressure', () => {
  test('a reader that does not read stalls its writer, and no other stream', async () => {
    const silent: Duplex[] = []
    const { dialing } = await open((request) => {
      if (request.target === 'silent') silent.push(request.accept().on('error', () => undefined))
      else echo(request)
    })
    const stuck = await Promise.all(Array.from({ length: 8 }, () => dialing.dial('silent')))
    const written = await Promise.all(stuck.map((stream) => writeUntilStalled(stream)))
    for (const bytes of written) {
      expect(bytes).toBeGreaterThan(1024 * 1024)
      expect(bytes).toBeLessThan(12 * 1024 * 1024)
    }
    const lively = await dialing.dial('echo')
    const data = randomBytes(8 * 1024 * 1024)
    lively.end(data)
    expect((await readAll(lively)).equals(data)).toBe(true)
    for (const stream of stuck) stream.destroy()
  })

  test('what a stalled writer still holds is delivered when the reader reads on', async () => {
    const accepted = deferred<Duplex>()
    const { dialing } = await open(({ accept }) => accepted.resolve(accept()))
    const stream = await dialing.dial('slow')
    const bytes = await writeUntilStalled(stream)
    stream.end()
    expect((await readAll(await accepted.promise)).length).toBe(bytes)
  })
})

/** Writes 64 KiB pieces until the stream asks to wait and doesn't drain within 300 ms. */
async function writeUntilStalled(stream: Duplex): Promise<number> {
  const piece = randomBytes(64 * 1024)
  for (let bytes = piece.length; ; bytes += piece.length) {
    if (stream.write(piece)) continue
    const drained = await Promise.race([
      once(stream, 'drain').then(() => true),
      new Promise<boolean>((resolve) => {
        setTimeout(() => resolve(false), 300)
      }),
    ])
    if (!drained) return bytes
  }
}

describe('refusals', () => {
  test.each([
    [new TunnelRefusal(404, 'There is no target "x".'), 404, 'There is no target "x".'],
    [new TunnelRefusal(502, 'Nothing listens on port 8080 – läuft da etwas?'), 502, 'Nothing listens on port 8080 – läuft da etwas?'],
    [new TunnelRefusal(403, ''), 403, 'The far end gave no reason.'],
    [new TunnelRefusal(400, 'x'.repeat(10_000)), 400, 'x'.repeat(4_096)],
    [new Error('secret detail'), 500, 'The far end failed while answering.'],
  ])('%s arrives with its status and text', async (thrown, status, message) => {
    const errors: unknown[] = []
    const { dialing } = await open(
      async () => {
        throw thrown
      },
      { onError: (error) => errors.push(error) },
    )
    const refusal = await dialing.dial('x').catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(TunnelRefusal)
    expect(refusal).toMatchObject({ status, message })
    expect(errors).toEqual(thrown instanceof TunnelRefusal ? [] : [thrown])
  })

  test('an answer whose error handler throws breaks off its own stream', async () => {
    const { dialing } = await open(
      () => {
        throw new Error('first')
      },
      {
        onError: () => {
          throw new Error('second')
        },
      },
    )
    await expect(dialing.dial('x')).rejects.toBeInstanceOf(TunnelStreamReset)
    expect(await dialing.ping()).toBeGreaterThanOrEqual(0)
  })

  test('an answer that neither accepts nor refuses counts as a failure of the far end', async () => {
    const { dialing } = await open(() => undefined)
    await expect(dialing.dial('x')).rejects.toMatchObject({ status: 500 })
  })

  test.each([[''], ['with space'], ['ümlaut'], ['line\nbreak'], ['x'.repeat(8_193)]])(
    'the target %j is refused before it is sent',
    async (target) => {
      const { dialing } = await open(echo)
      await expect(dialing.dial(target)).rejects.toMatchObject({ status: 400 })
    },
  )

  test('the far end reads a target exactly as it was dialled', async () => {
    const targets: string[] = []
    const { dialing } = await open((request) => {
      targets.push(request.target)
      echo(request)
    })
    const dialled = ['ssh', 'ports/8080', 'pty?id=1&command=ls%20-l', '/odd//path/../x', '*', 'x'.repeat(8_192), '#?%']
    for (const target of dialled) (await dialing.dial(target)).destroy()
    expect(targets).toEqual(dialled)
  })

  test('one stream above the limit is refused until another one closes', async () => {
    const { dialing } = await open(echo, { maxStreams: 3 })
    const streams = await Promise.all([dialing.dial('a'), dialing.dial('b'), dialing.dial('c')])
    await expect(dialing.dial('d')).rejects.toMatchObject({ name: 'TunnelRefusal', status: 503 })
    const first = streams[0]
    first.destroy()
    if (!first.closed) await once(first, 'close')
    await expect
      .poll(() =>
        dialing.dial('d').then(
          () => true,
          () => false,
        ),
      )
      .toBe(true)
  })
})

describe('breaks', () => {
  test('a stream destroyed at one end is an error at the other, never an end', async () => {
    const accepted = deferred<Duplex>()
    const { dialing } = await open(({ accept }) => accepted.resolve(accept()))
    const near = await dialing.dial('x')
    const far = await accepted.promise
    far.write('half of')
    await once(near, 'readable')
    const seen = watch(near)
    far.destroy()
    near.resume()
    await expect.poll(() => seen.closes).toBe(1)
    expect(near.readableEnded).toBe(false)
    expect(seen.errors).toHaveLength(1)
    expect(seen.errors[0]).toBeInstanceOf(TunnelStreamReset)
    expect(await dialing.ping()).toBeGreaterThanOrEqual(0)
  })

  test('wherever a stream breaks off, the bytes that arrived are a true prefix and no end is seen', async () => {
    const plan = fc.record({
      bytes: fc.integer({ min: 0, max: 6_000_000 }),
      piece: fc.integer({ min: 1_000, max: 300_000 }),
      withError: fc.boolean(),
    })
    const total = randomBytes(6_100_000)
    const { dialing } = await open(({ target, accept }) => {
      const { bytes, piece, withError } = JSON.parse(decodeURIComponent(target)) as { bytes: number; piece: number; withError: boolean }
      const stream = accept()
      let sent = 0
      const pump = (): void => {
        while (sent < bytes) {
          const chunk = total.subarray(sent, Math.min(bytes, sent + piece))
          sent += chunk.length
          if (!stream.write(chunk)) {
            stream.once('drain', pump)
            return
          }
        }
        stream.destroy(withError ? new Error('on purpose') : undefined)
      }
      pump()
    })
    await fc.assert(
      fc.asyncProperty(fc.array(plan, { minLength: 1, maxLength: 8 }), async (plans) => {
        await Promise.all(
          plans.map(async (each) => {
            const stream = await dialing.dial(encodeURIComponent(JSON.stringify(each))).catch(() => undefined)
            // The stream broke off before the answer was sent.
            if (!stream) return
            const seen = watch(stream)
            const chunks: Buffer[] = []
            stream.on('data', (chunk: Buffer) => chunks.push(chunk))
            await new Promise((resolve) => stream.once('close', resolve))
            const received = Buffer.concat(chunks)
            expect(stream.readableEnded).toBe(false)
            expect(seen.errors).toHaveLength(1)
            expect(received.equals(total.subarray(0, received.length))).toBe(true)
          }),
        )
      }),
      { numRuns: runs(4), endOnFailure: true },
    )
  })

  test('a far end that finished and stopped reading leaves its answer readable', async () => {
    const accepted = deferred<Duplex>()
    const { dialing } = await open(({ accept }) => accepted.resolve(accept()))
    const near = await dialing.dial('x')
    const far = await accepted.promise
    const answer = randomBytes(startStreamWindowBytes)
    far.end(answer)
    await once(far, 'finish')
    far.destroy()
    expect((await readAll(near)).equals(answer)).toBe(true)
  })

  test.each([
    ['the dialing socket is terminated', (pair: TunnelPair) => pair.sockets.dialing.terminate()],
    ['the answering socket is terminated', (pair: TunnelPair) => pair.sockets.answering.terminate()],
    ['the connection is reset', (pair: TunnelPair) => pair.cut()],
    ['the dialing socket is closed with 1001', (pair: TunnelPair) => closeSocket(pair.sockets.dialing, closeReasons.buildOutdated)],
    ['the dialing end closes', (pair: TunnelPair) => pair.dialing.close()],
    ['the answering end closes', (pair: TunnelPair) => pair.answering.close()],
  ])('when %s every stream at both ends is destroyed once with TunnelClosed', async (_title, act) => {
    const far: ReturnType<typeof watch>[] = []
    const signals: AbortSignal[] = []
    const pair = await open(async ({ target, accept, signal }) => {
      signals.push(signal)
      if (target === 'never') await new Promise(() => undefined)
      const stream = accept()
      far.push(watch(stream))
      stream.write('hello')
    })
    const near = await Promise.all(Array.from({ length: 20 }, () => pair.dialing.dial('x')))
    const nearSeen = near.map((stream) => watch(stream))
    const waiting = pair.dialing.dial('never').catch((error: unknown) => error)
    await expect.poll(() => signals.length).toBe(21)
    const sending = near.slice(0, 5)
    for (const stream of sending) for (let pieces = 0; pieces < 100 && stream.write(randomBytes(64 * 1024));) pieces += 1
    act(pair)
    expect(await pair.dialing.closed).toBeInstanceOf(TunnelClosed)
    expect(await pair.answering.closed).toBeInstanceOf(TunnelClosed)
    expect(await waiting).toBeInstanceOf(TunnelClosed)
    await expect.poll(() => [...nearSeen, ...far].every((seen) => seen.closes === 1)).toBe(true)
    for (const seen of [...nearSeen, ...far]) {
      expect(seen.errors).toHaveLength(1)
      expect(seen.errors[0]).toBeInstanceOf(TunnelClosed)
    }
    expect(signals.every((signal) => signal.aborted)).toBe(true)
    await expect(pair.dialing.dial('x')).rejects.toBeInstanceOf(TunnelClosed)
    await expect(pair.dialing.ping()).rejects.toBeInstanceOf(TunnelClosed)
  })

  test("the code and reason of a socket's close arrive, even from a busy tunnel", async () => {
    const pair = await open(echo)
    const streams = await Promise.all(Array.from({ length: 5 }, () => pair.dialing.dial('echo')))
    for (const stream of streams) for (let pieces = 0; pieces < 50 && stream.write(randomBytes(64 * 1024));) pieces += 1
    const closed = once(pair.sockets.answering, 'close') as Promise<[number, Buffer]>
    closeSocket(pair.sockets.dialing, closeReasons.buildOutdated)
    const [code, reason] = await closed
    expect([code, reason.toString()]).toEqual([1001, 'build is outdated'])
    await pair.dialing.closed
  })

  test('a peer that goes silent closes the tunnel at both ends', async () => {
    const pair = await open(echo, { pingIntervalMs: 30, deadAfterMs: 150 })
    const stream = await pair.dialing.dial('x')
    const seen = watch(stream)
    pair.freeze()
    expect((await pair.dialing.closed).message).toMatch(/silent/)
    expect((await pair.answering.closed).message).toMatch(/silent/)
    await expect.poll(() => seen.closes).toBe(1)
    expect(seen.errors[0]).toBeInstanceOf(TunnelClosed)
  })

  test('an idle tunnel with a living peer stays open', async () => {
    const pair = await open(echo, { pingIntervalMs: 40, deadAfterMs: 400 })
    let closed = false
    void pair.dialing.closed.then(() => (closed = true))
    for (let round = 0; round < 12; round += 1) {
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
      await pair.dialing.ping()
    }
    expect(closed).toBe(false)
  })

  test('a socket that never opens closes either kind of end and rejects pending calls', async () => {
    const dialing = dialTunnel(socketStream(new WebSocket('ws://127.0.0.1:9/')))
    const waiting = [dialing.dial('x'), dialing.ping()].map((promise) => promise.catch((error: unknown) => error))
    const answering = answerTunnel(socketStream(new WebSocket('ws://127.0.0.1:9/')), echo)
    expect((await dialing.closed).message).toMatch(/ECONNREFUSED/)
    expect((await answering.closed).message).toMatch(/ECONNREFUSED/)
    for (const error of await Promise.all(waiting)) expect(error).toBeInstanceOf(TunnelClosed)
  })
})

describe('signals', () => {
  test('an aborted dial rejects with the reason and tells the far end', async () => {
    const far = deferred<AbortSignal>()
    const { dialing } = await open(async ({ signal }) => {
      far.resolve(signal)
      await once(signal, 'abort')
      throw new TunnelRefusal(503, 'too late')
    })
    const abort = new AbortController()
    const dial = dialing.dial('x', { signal: abort.signal })
    const signal = await far.promise
    abort.abort(new Error('changed my mind'))
    await expect(dial).rejects.toThrow('changed my mind')
    await expect.poll(() => signal.aborted).toBe(true)
  })

  test('a signal aborted before the dial rejects it, and one aborted after it changes nothing', async () => {
    const { dialing } = await open(echo)
    await expect(dialing.dial('x', { signal: AbortSignal.abort(new Error('already')) })).rejects.toThrow('already')
    const abort = new AbortController()
    const stream = await dialing.dial('x', { signal: abort.signal })
    abort.abort()
    stream.end('still here')
    expect((await readAll(stream)).toString()).toBe('still here')
  })
})
