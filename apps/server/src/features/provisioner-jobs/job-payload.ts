import { ProvisionError, type Job } from '@berth/provisioner'

/** What a worker is handed of one job, at most (Coder v2 API, v0.13.4, "acquire"). */
const MAX_PAYLOAD_BYTES = 4 * 1024 * 1024

/** Throws `ProvisionError` where archive, state and values of a job are too much for a worker, wherever it runs. */
export function checkPayload({ archive, ...job }: Job): void {
  const state = job.type === 'workspace_build' ? job.state : new Uint8Array()
  const bytes = archive.byteLength + state.byteLength + Buffer.byteLength(JSON.stringify({ ...job, state: undefined }))
  if (bytes <= MAX_PAYLOAD_BYTES) return
  throw new ProvisionError(`payload was too big: ${bytes} bytes, and a job has ${MAX_PAYLOAD_BYTES} at most; make the template smaller`)
}
