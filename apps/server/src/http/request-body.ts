import type { IncomingMessage } from 'node:http'
import { Failure, type EndpointSpec } from '@berth/schema'
import { maxJsonBytes } from '@berth/schema/rules'
import { bodyReader } from './body-reader.ts'

/**
 * Compiles the reader of an endpoint's JSON or raw body; undefined for endpoints without a body.
 */
export function requestBodyReader(spec: EndpointSpec): ((request: IncomingMessage) => Promise<Record<string, unknown>>) | undefined {
  const { bodyType, bodyDelivery, maxBodyBytes = maxJsonBytes } = spec
  if (bodyType !== undefined) {
    return async (request) => {
      const contentType = request.headers['content-type'] ?? ''
      if (contentType !== bodyType)
        throw new Failure('invalid_content_type', {
          message: `Unsupported content type header "${contentType}".`,
          detail: `Expected ${bodyType}.`,
        })
      return { body: bodyDelivery === 'stream' ? request : await readBody(request, maxBodyBytes), contentType }
    }
  }
  if (spec.body === undefined) return undefined
  const read = bodyReader(spec.body)
  return async (request) => ({ body: read((await readBody(request, maxBodyBytes)).toString('utf8')) })
}

/** Reads the body of a request. Throws `body_too_large` when it has more than `maxBytes` bytes. */
async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Buffer[] = []
  let length = 0
  // The default would destroy the connection when the loop ends early, before the refusal is sent.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length)
}

function tooLarge(maxBytes: number): Failure {
  return new Failure('body_too_large', {
    message: `Request body is too large. This endpoint accepts at most ${maxBytes} bytes.`,
  })
}
