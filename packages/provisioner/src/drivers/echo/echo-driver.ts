import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ProvisionError, type Driver, type DriverRequest, type PlanRequest } from '../../driver.ts'
import {
  decodeParseResponse,
  decodeProvisionResponse,
  type EchoLog,
  type ParseResponse,
  type ProvisionComplete,
  type ProvisionResponse,
} from './echo-messages.ts'

/**
 * Creates a driver that plays back the protobuf messages in its template archive:
 * `<n>.parse.protobuf`, `<n>.provision.plan.protobuf` and `<n>.provision.apply.protobuf` with n =
 * 0, 1, 2… (Coder v2 API, v0.13.4). It is for tests, and for programs that are tested against a
 * server. A job without a completing message runs until it is forced to end.
 */
export function createEchoDriver(): Driver {
  return {
    type: 'echo',
    parse: (request) => playParse(request),
    async plan(request) {
      failIfTold(request)
      const { resources, plan } = await playProvision(request, 'plan')
      return { resources, plan }
    },
    async apply(request) {
      const { resources, state } = await playProvision(request, 'apply')
      return { resources, state }
    },
  }
}

async function playParse(request: DriverRequest): Promise<NonNullable<ParseResponse['complete']>> {
  return await play(request, { kind: 'parse', decode: decodeParseResponse })
}

async function playProvision(request: DriverRequest, step: 'plan' | 'apply'): Promise<ProvisionComplete> {
  const complete = await play<ProvisionResponse>(request, { kind: `provision.${step}`, decode: decodeProvisionResponse })
  if (complete.error === '') return complete
  throw new ProvisionError(complete.error, complete.state.length > 0 ? { state: complete.state } : {})
}

async function play<Response extends { readonly log?: EchoLog; readonly complete?: object }>(
  request: DriverRequest,
  files: { readonly kind: string; readonly decode: (bytes: Uint8Array) => Response },
): Promise<NonNullable<Response['complete']>> {
  for (let index = 0; ; index += 1) {
    request.forceSignal.throwIfAborted()
    const name = `${index}.${files.kind}.protobuf`
    const bytes = await readIfThere(join(request.directory, name))
    if (bytes === undefined) {
      if (index === 0) throw new Error('no state')
      return await untilForced(request.forceSignal)
    }
    const response = decodeNamed(name, bytes, files.decode)
    if (response.log !== undefined) await request.log(response.log.level, response.log.output)
    if (response.complete !== undefined) return response.complete
  }
}

/** Fails the plan if the parameter `echo.exec` has a value `error=<message>`. */
function failIfTold({ parameter_values }: PlanRequest): void {
  for (const { name, value } of parameter_values) {
    if (name === 'echo.exec' && value.startsWith('error=')) throw new Error(`returning error: ${value.slice('error='.length)}`)
  }
}

/**
 * Waits for the force signal. Like the reference, it ignores a graceful cancel: clients rely on the
 * job staying in `canceling`.
 */
async function untilForced(signal: AbortSignal): Promise<never> {
  return await new Promise((_, reject) => {
    const end = (): void => reject(new Error('the caller closed the stream'))
    if (signal.aborted) end()
    else signal.addEventListener('abort', end, { once: true })
  })
}

function decodeNamed<Response>(name: string, bytes: Uint8Array, decode: (bytes: Uint8Array) => Response): Response {
  try {
    return decode(bytes)
  } catch (error) {
    throw new Error(`${name} does not contain a valid message: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
