import { pipeline } from 'node:stream/promises'
import type { AgentCall, AgentCalls, AgentOperation } from '@berth/schema'
import { maxCallLineBytes } from '@berth/schema/rules'
import { readJsonLine, writeJsonLine, type TunnelRequest, type TunnelStream } from '@berth/tunnel'
import type { WorkspaceFiles } from '../files/workspace-files.ts'
import type { ProcessTable } from '../processes/process-table.ts'
import { CallFailure } from './call-failure.ts'

export interface CallContext {
  processes: ProcessTable
  files: WorkspaceFiles
}

/** A call that is being answered. */
interface Exchange extends CallContext {
  stream: TunnelStream
  /** Aborted when the caller leaves. */
  signal: AbortSignal
}

/** Answers a call with a value, after which the stream ends, or by itself. */
type Handler<Name extends AgentOperation> = (
  request: AgentCalls[Name]['request'],
  exchange: Exchange,
) => AgentCalls[Name]['answer'] | void | Promise<AgentCalls[Name]['answer'] | void>

const handlers: { readonly [Name in AgentOperation]: Handler<Name> } = {
  'processes.exec': async (request, { processes, stream, signal }) => {
    stream.resume()
    const { answer, stdout, stderr } = await processes.exec(request, signal)
    succeed(stream, answer)
    stream.write(stdout)
    stream.end(stderr)
  },
  'processes.start': async (request, { processes, stream }) => {
    const process = await processes.start(request)
    succeed(stream, process.describe())
    process.attach(stream, 0)
  },
  'processes.attach': ({ id, after }, { processes, stream }) => {
    succeed(stream, processes.get(id).describe())
    processes.attach(id, stream, after)
  },
  'processes.list': (_request, { processes }) => ({ processes: processes.list() }),
  'processes.get': ({ id }, { processes }) => processes.get(id).describe(),
  'processes.signal': ({ id, signal }, { processes }) => {
    processes.get(id).signal(signal)
    return {}
  },
  'processes.remove': ({ id }, { processes }) => {
    processes.remove(id)
    return {}
  },
  'files.list': async (request, { files }) => await files.list(request),
  'files.stat': async (request, { files }) => await files.stat(request),
  'files.read': async (request, { files, stream }) => {
    const { size, bytes } = await files.read(request)
    stream.resume()
    succeed(stream, { size })
    await pipeline(bytes, stream)
  },
  'files.write': async (request, { files, stream }) => await files.write(request, stream),
  'files.mkdir': async (request, { files }) => await files.makeDirectory(request),
  'files.rename': async (request, { files }) => await files.rename(request),
  'files.remove': async (request, { files }) => {
    await files.remove(request)
    return {}
  },
  'files.watch': async (request, { files, stream }) =>
    await files.watch(request, () => {
      succeed(stream, {})
      return stream
    }),
}

/** Answers what the server asks in a stream of the tunnel. */
export async function answerCall({ accept, signal }: TunnelRequest, context: CallContext): Promise<void> {
  const stream = accept()
  // The server has checked the call against the contract.
  const { op, request } = (await readJsonLine(stream, maxCallLineBytes)) as AgentCall
  try {
    if (!Object.hasOwn(handlers, op)) throw new CallFailure('invalid_command', 'The agent is older than the server. Restart the workspace.')
    // Each request goes with its own operation, which the type of a lookup cannot say.
    const handle = handlers[op] as Handler<AgentOperation>
    const answer = await handle(request, { ...context, stream, signal })
    if (answer === undefined) return
    succeed(stream, answer)
    stream.end()
    stream.resume()
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error
    writeJsonLine(stream, { failure: error.code, message: error.message })
    stream.end()
    stream.resume()
  }
}

function succeed(stream: TunnelStream, answer: unknown): void {
  writeJsonLine(stream, { ok: answer })
}
