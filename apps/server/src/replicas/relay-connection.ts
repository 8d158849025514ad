import { once } from 'node:events'
import { request as requestHttp, type ClientRequest, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { askingProof, isProvenAnswer, newClaim, type RelayClaim } from './relay-proof.ts'

/** The path at which replicas connect to each other. Everybody else finds nothing there. */
export const RELAY_PATH = '/replicas/relay'
export const RELAY_PROTOCOL = 'berth-relay'
export const PROOF_HEADER = 'berth-relay-proof'

/** The largest answer that is read. */
const MAX_HEADER_BYTES = 16 * 1024
const CHANNEL_LABEL = 'EXPORTER-berth-replica-relay'
const CHANNEL_BYTES = 32

/** The replicas at both ends, and what they prove it with. */
export interface RelayEnds {
  readonly key: Buffer
  readonly from: string
  readonly to: string
  /** Milliseconds since the Unix epoch. */
  readonly now: number
}

/**
 * Connects to the replica at a URL. Both ends prove that they belong to the deployment.
 *
 * A certificate that this machine doesn't trust is good enough: the proofs then cover a secret of
 * the TLS connection, so nobody can sit in between.
 *
 * @throws Error that says why the replica can't be reached.
 */
export async function connectRelay(relayUrl: string, ends: RelayEnds, { timeoutMs }: { readonly timeoutMs: number }): Promise<Socket> {
  const url = new URL(RELAY_PATH, relayUrl)
  const options = { agent: false, maxHeaderSize: MAX_HEADER_BYTES } as const
  const request = url.protocol === 'https:' ? requestHttps(url, { ...options, rejectUnauthorized: false }) : requestHttp(url, options)
  const failed = new Promise<never>((_resolve, reject) => request.on('error', reject))
  const timer = setTimeout(() => request.destroy(new Error(`The replica did not answer within ${timeoutMs / 1000} s.`)), timeoutMs)
  try {
    const connected = ask(request, ends).then(async (claim) => await answerTo(request, claim, ends.key))
    return await Promise.race([connected, failed])
  } catch (error) {
    request.destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

async function ask(request: ClientRequest, { key, from, to, now }: RelayEnds): Promise<RelayClaim> {
  const [socket] = (await once(request, 'socket')) as [Socket]
  if (socket.connecting) await once(socket, socket instanceof TLSSocket ? 'secureConnect' : 'connect')
  const isTrusted = !(socket instanceof TLSSocket) || socket.authorized
  const claim = newClaim({ to, from, sentAt: now, channel: isTrusted ? '' : (channelOf(socket) ?? '') })
  request.setHeader('Connection', 'Upgrade')
  request.setHeader('Upgrade', RELAY_PROTOCOL)
  request.setHeader(PROOF_HEADER, askingProof(key, claim))
  request.end()
  return claim
}

async function answerTo(request: ClientRequest, claim: RelayClaim, key: Buffer): Promise<Socket> {
  return await new Promise((resolve, reject) => {
    request.once('response', (response) => reject(new Error(`The address answers with status ${response.statusCode}.`)))
    request.once('upgrade', (response: IncomingMessage, socket: Socket, head: Buffer) => {
      const answer = response.headers[PROOF_HEADER]
      if (typeof answer !== 'string' || !isProvenAnswer(key, claim, answer)) {
        socket.destroy()
        reject(new Error('The address belongs to another deployment.'))
        return
      }
      socket.setTimeout(0)
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
  })
}

/** Returns what only the two ends of a TLS connection know. Undefined: it isn't TLS. */
export function channelOf(socket: unknown): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  return socket.exportKeyingMaterial(CHANNEL_BYTES, CHANNEL_LABEL, Buffer.alloc(0)).toString('base64url')
}
