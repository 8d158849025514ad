import type { Duplex, Readable } from 'node:stream'
import { Failure, agentCallFailures, type AgentCalls, type AgentOperation } from '@berth/schema'
import { maxCallLineBytes } from '@berth/schema/rules'
import { TunnelClosed, TunnelRefusal, TunnelStreamReset, readJsonLine, writeJsonLine, type AgentTarget } from '@berth/tunnel'
import { checkedAnswer } from './agent-answers.ts'

/** Opens a stream to an agent. */
export type Dial = (agentId: string, target: AgentTarget, options: { readonly signal?: AbortSignal }) => Promise<Duplex>

/** How long an agent may take to answer once it has the whole request. */
const ANSWER_TIMEOUT_MS = 30_000
const SHOWN_CHARACTERS = 1_000

export interface CallOptions {
  /** Ends the call when the client leaves. */
  readonly signal: AbortSignal
  /** Sent after the request. */
  readonly body?: Readable
  /** How long the work takes, in addition to the time for an answer. Default: 0. */
  readonly workMs?: number
}

/** What an agent answered, and the stream with the bytes that follow. */
export interface AgentAnswer<Name extends AgentOperation> {
  readonly answer: AgentCalls[Name]['answer']
  readonly stream: Duplex
}

/**
 * Asks an agent to do something in its workspace. The caller ends the stream of the answer.
 *
 * Throws the failure that the agent answers with, `agent_failed` for anything that isn't a valid
 * answer, and what `dial` throws when the agent isn't connected.
 */
export async function callAgent<Name extends AgentOperation>(
  dial: (options: { readonly signal: AbortSignal }) => Promise<Duplex>,
  call: { readonly op: Name; readonly request: AgentCalls[Name]['request'] },
  { signal, body, workMs = 0 }: CallOptions,
): Promise<AgentAnswer<Name>> {
  const stream = await asFailure(async () => await dial({ signal }))
  stream.on('error', () => undefined)
  const onAbort = (): void => void stream.destroy(asError(signal.reason))
  signal.addEventListener('abort', onAbort)
  stream.once('close', () => signal.removeEventListener('abort', onAbort))
  if (signal.aborted) onAbort()
  const limit = new AnswerLimit(stream, workMs + ANSWER_TIMEOUT_MS)
  try {
    writeJsonLine(stream, call)
    // The body breaking off breaks the stream too, and so the answer.
    if (body === undefined) limit.start()
    else sendBody(body, stream, limit)
    const line = await asFailure(async () => await readJsonLine(stream, maxCallLineBytes))
    limit.stop()
    return { answer: readAnswer(call.op, line), stream }
  } catch (error) {
    limit.stop()
    stream.destroy()
    // The client's own break or departure is not the agent's fault.
    throw body?.errored ?? (signal.aborted ? asError(signal.reason) : error)
  }
}

/**
 * Sends a body as fast as the agent reads it. Not with `pipeline`, which would cut the client off
 * when an agent refuses before it has read everything.
 */
function sendBody(body: Readable, stream: Duplex, limit: AnswerLimit): void {
  body.pipe(stream)
  body.once('end', () => limit.start())
  body.once('error', (error) => stream.destroy(error))
  stream.once('close', () => {
    body.unpipe(stream)
    body.resume()
  })
}

/** Destroys a stream whose answer is late. */
class AnswerLimit {
  readonly #stream: Duplex
  readonly #ms: number
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  constructor(stream: Duplex, ms: number) {
    this.#stream = stream
    this.#ms = ms
  }

  start(): void {
    if (this.#isOver) return
    this.#timer = setTimeout(() => this.#stream.destroy(failed(`It took longer than ${this.#ms / 1000} s.`)), this.#ms)
  }

  stop(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
  }
}

function readAnswer<Name extends AgentOperation>(op: Name, line: unknown): AgentCalls[Name]['answer'] {
  if (typeof line !== 'object' || line === null) throw failed('It sent something other than an answer.')
  if ('failure' in line) {
    const code = agentCallFailures.find((known) => known === line.failure)
    if (code === undefined) throw failed('It failed without a reason.')
    const message = 'message' in line && typeof line.message === 'string' ? line.message.slice(0, SHOWN_CHARACTERS) : ''
    throw new Failure(code, message === '' ? {} : { message })
  }
  const answer = 'ok' in line ? checkedAnswer(op, line.ok) : undefined
  if (answer === undefined) throw failed('Its answer is not what was asked for.')
  return answer
}

async function asFailure<Value>(work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    if (Failure.is(error)) throw error
    const { message } = asError(error)
    const isKnown = error instanceof TunnelRefusal || error instanceof TunnelClosed || error instanceof TunnelStreamReset
    throw failed(isKnown || message.startsWith('The ') ? message : 'It did not send a line of JSON.', error)
  }
}

function failed(detail: string, cause?: unknown): Failure {
  return new Failure('agent_failed', { detail, cause })
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
