import type { IncomingMessage } from 'node:http'
import { Failure } from '@berth/schema'

/** Largest JSON body. Provisioner state travels in one as base64, so it is generous. */
export const MAX_JSON_BYTES = 16 * 1024 * 1024

/** Reads a request's body, at most `maxBytes` of it. Throws `invalid_json` when there is more. */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Buffer[] = []
  let length = 0
  // Without this, refusing a body would end the connection before the refusal could be sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length)
}

function tooLarge(maxBytes: number): Failure {
  return new Failure('invalid_json', {
    message: 'Request body is too large.',
    detail: `http: request body too large (limit ${maxBytes} bytes)`,
  })
}
