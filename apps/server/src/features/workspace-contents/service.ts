import { Failure, type AgentCalls, type AgentOperation, type ExecRequest, type ExecResponse, type StartProcessRequest } from '@berth/schema'
import { execOutputBytes, execTimeoutMs, listedFiles } from '@berth/schema/rules'
import type { Database } from '../../database/database.ts'
import type { AgentRow, WorkspaceRow } from '../../database/rows.ts'
import type { Actor } from '../../http/caller.ts'
import type { AuditService } from '../audit/service.ts'
import { callAgent, type AgentAnswer, type CallOptions, type Dial } from './agent-call.ts'
import { readBytes } from './read-bytes.ts'

interface Dependencies {
  readonly dial: Dial
  readonly database: Database
  readonly audit: AuditService
}

/** Who asks, and for which agent. */
export interface Place {
  readonly actor: Actor
  readonly workspaceagent: AgentRow
  readonly workspace: WorkspaceRow
}

type Request<Name extends AgentOperation> = AgentCalls[Name]['request']

/** What is in workspaces: their processes and files. Throws the failures of {@link callAgent}. */
export class WorkspaceContents {
  readonly #dependencies: Dependencies

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Asks an agent something that changes nothing, and returns its answer. */
  async ask<Name extends AgentOperation>(
    place: Place,
    op: Name,
    request: Request<Name>,
    options: CallOptions,
  ): Promise<AgentCalls[Name]['answer']> {
    const { answer, stream } = await this.open(place, op, request, options)
    stream.destroy()
    return answer
  }

  /** Does the same for something that bytes follow. The caller ends the stream. */
  async open<Name extends AgentOperation>(
    { workspaceagent: { id } }: Place,
    op: Name,
    request: Request<Name>,
    options: CallOptions,
  ): Promise<AgentAnswer<Name>> {
    return await callAgent(async ({ signal }) => await this.#dependencies.dial(id, { kind: 'call' }, { signal }), { op, request }, options)
  }

  /** Changes files, and records who did. */
  async change<Name extends 'files.write' | 'files.mkdir' | 'files.rename' | 'files.remove'>(
    place: Place,
    op: Name,
    request: Request<Name>,
    options: CallOptions,
  ): Promise<AgentCalls[Name]['answer']> {
    const answer = await this.ask(place, op, request, options)
    const path = 'path' in request ? request.path : `${request.from} → ${request.to}`
    await this.#record(place, 'write', { operation: op, path })
    return answer
  }

  /** Runs a command to its end. */
  async exec(place: Place, request: ExecRequest, signal: AbortSignal): Promise<ExecResponse> {
    const { command, cwd = '', env = {}, stdin = '', encoding = 'utf-8' } = request
    const timeout_ms = clamp(request.timeout_ms || execTimeoutMs.default, execTimeoutMs.max)
    const max_output_bytes = clamp(request.max_output_bytes || execOutputBytes.default, execOutputBytes.max)
    const input = encoding === 'base64' ? canonicalBase64(stdin) : Buffer.from(stdin).toString('base64')
    await this.#recordCommand(place, command)
    const { answer, stream } = await this.open(
      place,
      'processes.exec',
      { command, cwd, env, stdin: input, timeout_ms, max_output_bytes },
      { signal, workMs: timeout_ms },
    )
    const { stdout_bytes, stderr_bytes, ...end } = answer
    const bytes = await readBytes(stream, stdout_bytes + stderr_bytes)
    const text = encoding === 'base64' ? 'base64' : 'utf8'
    return { ...end, stdout: bytes.toString(text, 0, stdout_bytes), stderr: bytes.toString(text, stdout_bytes) }
  }

  /** Starts a process, and returns the stream of its frames. */
  async start(place: Place, request: StartProcessRequest, signal: AbortSignal): Promise<AgentAnswer<'processes.start'>> {
    await this.#recordCommand(place, request.command)
    return await this.open(place, 'processes.start', request, { signal })
  }

  /** Removes a process, and records who did. */
  async removeProcess(place: Place, id: string, options: CallOptions): Promise<void> {
    await this.ask(place, 'processes.remove', { id }, options)
    await this.#record(place, 'delete', { operation: 'processes.remove', process: id })
  }

  /** Lists a folder. */
  async list(
    place: Place,
    { path, after = '', limit = listedFiles.default }: { path: string; after?: string; limit?: number },
    options: CallOptions,
  ): Promise<AgentCalls['files.list']['answer']> {
    return await this.ask(place, 'files.list', { path, after, limit: clamp(limit, listedFiles.max) }, options)
  }

  /** Arguments may hold secrets, so only their number is recorded. */
  async #recordCommand(place: Place, command: readonly string[]): Promise<void> {
    const [program = '', ...more] = command
    await this.#record(place, 'create', { operation: 'exec', program: shortened(program), arguments: String(more.length) })
  }

  async #record(
    { actor, workspace }: Place,
    action: 'create' | 'write' | 'delete',
    fields: Readonly<Record<string, string>>,
  ): Promise<void> {
    const { database, audit } = this.#dependencies
    await database.transaction(
      async (transaction) =>
        await audit.record(transaction, actor, {
          action,
          resource_type: 'workspace_execution',
          resource_id: workspace.id,
          resource_target: workspace.name,
          organization_id: workspace.organization_id,
          additional_fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, shortened(value)])),
        }),
    )
  }
}

const RECORDED_CHARACTERS = 500

function shortened(text: string): string {
  return text.length <= RECORDED_CHARACTERS ? text : `${text.slice(0, RECORDED_CHARACTERS)}…`
}

function clamp(value: number, max: number): number {
  return Math.min(Math.max(value, 1), max)
}

function canonicalBase64(text: string): string {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64').replaceAll('=', '') !== text.replaceAll(/[=\r\n]/g, ''))
    throw new Failure('validation_failed', { validations: [{ field: 'stdin', detail: 'Must be base64' }] })
  return bytes.toString('base64')
}
