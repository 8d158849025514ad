import nacl from 'tweetnacl'
import { FRAME, KEY_BYTES, MAGIC, NONCE_BYTES, PROTOCOL_VERSION, ProtocolError, encodeFrame, type Frame } from './frames.ts'

/** The server's curve25519 key pair. */
export interface ServerKey {
  readonly publicKey: Uint8Array
  readonly secretKey: Uint8Array
}

/** How much a client may send, as the greeting tells it. */
export interface RateLimit {
  readonly bytesPerSecond: number
}

/** @param secret 32 random bytes. */
export function serverKeyOf(secret: Uint8Array): ServerKey {
  return nacl.box.keyPair.fromSecretKey(Uint8Array.from(secret))
}

/** Returns the first frame of a connection, which identifies the server. */
export function serverKeyFrame({ publicKey }: ServerKey): Buffer {
  return encodeFrame(FRAME.serverKey, MAGIC, publicKey)
}

/**
 * Returns a client's key from its first frame. The frame contains a box sealed for the server,
 * which proves that the client has the secret key too.
 *
 * @throws ProtocolError
 */
export function readClientKey({ kind, payload }: Frame, { secretKey }: ServerKey): Buffer {
  if (kind !== FRAME.clientInfo) throw new ProtocolError(`the first frame is of kind ${kind}, not the client's info`)
  if (payload.length < KEY_BYTES + NONCE_BYTES) throw new ProtocolError("the client's info is too short")
  const key = Buffer.from(payload.subarray(0, KEY_BYTES))
  const nonce = payload.subarray(KEY_BYTES, KEY_BYTES + NONCE_BYTES)
  const opened = nacl.box.open(payload.subarray(KEY_BYTES + NONCE_BYTES), nonce, key, secretKey)
  if (opened === null) throw new ProtocolError("the client's info is not sealed with its key")
  if (!isObject(Buffer.from(opened).toString('utf8'))) throw new ProtocolError("the client's info is not a JSON object")
  return key
}

/** Returns the answer to a client's info. */
export function serverInfoFrame(clientKey: Uint8Array, { secretKey }: ServerKey, { bytesPerSecond }: RateLimit): Buffer {
  const info = { version: PROTOCOL_VERSION, TokenBucketBytesPerSecond: bytesPerSecond, TokenBucketBytesBurst: bytesPerSecond }
  const nonce = nacl.randomBytes(NONCE_BYTES)
  return encodeFrame(FRAME.serverInfo, nonce, nacl.box(Buffer.from(JSON.stringify(info)), nonce, clientKey, secretKey))
}

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
