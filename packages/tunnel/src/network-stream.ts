import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { bufferBytes } from './flow-control.ts'

/**
 * Turns a TCP or TLS socket into the byte stream that carries a tunnel. Given a socket itself,
 * Node's HTTP/2 reads it below JavaScript, where a tunnel can't count bytes or notice silence.
 *
 * Destroying the stream destroys the socket, and the socket's end ends the stream.
 */
export function networkStream(socket: Socket): Duplex {
  socket.setNoDelay(true)
  const afterWrite = (hasRoom: boolean, done: () => void): void => {
    if (hasRoom) done()
    else socket.once('drain', done)
  }
  const stream = new Duplex({
    highWaterMark: bufferBytes,
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => afterWrite(socket.write(chunk), done),
    writev(chunks, done) {
      socket.cork()
      let hasRoom = true
      for (const { chunk } of chunks) hasRoom = socket.write(chunk as Buffer)
      socket.uncork()
      afterWrite(hasRoom, done)
    },
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk) => {
    if (!stream.push(chunk)) socket.pause()
  })
  socket.on('end', () => stream.push(null))
  socket.on('error', (error) => stream.destroy(error))
  socket.on('close', () => stream.destroy())
  return stream
}
