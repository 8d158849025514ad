import type { Duplex } from 'node:stream'
import type { World } from '../world.ts'

/**
 * Relays an SSH client on standard input and output to a stream, as a ProxyCommand does. Ends when
 * either
 * side closes.
 */
export function relayStdio(stream: Duplex, { input, output }: Pick<World, 'input' | 'output'>): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (error?: Error): void => {
      input.unpipe(stream)
      input.pause()
      output.off('error', onOutputError)
      if (error) reject(error)
      else resolve()
    }
    const onOutputError = (): void => void stream.destroy()
    output.on('error', onOutputError)
    stream.once('error', finish)
    stream.once('close', () => finish())
    stream.once('end', () => finish())
    input.pipe(stream)
    stream.pipe(output, { end: false })
  })
}
