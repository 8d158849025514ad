import { ProvisionError, type Job } from '@berth/provisioner'

/** The largest job that a worker accepts (Coder v2 API, v0.13.4, "acquire"). */
const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024

/**
 * Throws `ProvisionError` if the archive, the state and the values of a job are too big for a
 * worker.
 */
export function checkPayload({ archive, ...job }: Job): void {
  const state = job.type === 'workspace_build' ? job.state : new Uint8Array()
  const bytes = archive.byteLength + state.byteLength + Buffer.byteLength(JSON.stringify({ ...job, state: undefined }))
  if (bytes <= MAX_PAYLOAD_BYTES) return
  throw new ProvisionError(`payload was too big: ${bytes} bytes, and at most ${MAX_PAYLOAD_BYTES} are allowed; make the template smaller`)
}
