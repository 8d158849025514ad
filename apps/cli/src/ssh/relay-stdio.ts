import { finished, type Duplex } from 'node:stream'
import type { World } from '../world.ts'

/** How long the far side may take to answer once the input has ended. */
const lastAnswerMs = 2000

/**
 * Relays an SSH client on standard input and output to a stream, as a ProxyCommand does. Ends when
 * either side closes, and {@link lastAnswerMs} after the end of the input at the latest: the client
 * is gone then, and nobody reads what a far side that stays open may still send.
 */
export async function relayStdio(stream: Duplex, { input, output, clock }: Pick<World, 'input' | 'output' | 'clock'>): Promise<void> {
  const done = new AbortController()
  const onOutputError = (): void => void stream.destroy()
  output.on('error', onOutputError)
  const stopWatching = finished(input, { writable: false }, () => {
    stream.end()
    clock.sleep(lastAnswerMs, done.signal).then(
      () => done.abort(),
      () => undefined,
    )
  })
  try {
    await new Promise<void>((resolve, reject) => {
      done.signal.addEventListener('abort', () => resolve())
      stream.once('error', reject)
      stream.once('close', resolve)
      stream.once('end', resolve)
      input.pipe(stream)
      stream.pipe(output, { end: false })
    })
  } finally {
    done.abort()
    stopWatching()
    input.unpipe(stream)
    input.pause()
    output.off('error', onOutputError)
  }
}
