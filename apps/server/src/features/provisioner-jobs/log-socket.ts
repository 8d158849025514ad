import type { WebSocket } from 'ws'
import { Bell, type WakeUps } from '../../database/wake-ups.ts'
import { writeJson } from '../../http/json-writer.ts'
import type { JobStore } from './store.ts'

const LOG_BATCH = 500
/** Looks again after so long even if nothing was heard. */
const LOG_POLL_MS = 15_000

interface Following {
  readonly jobId: string
  /** Entries with a greater ID are sent. */
  readonly after: number
  readonly store: JobStore
  readonly wakeUps: WakeUps
}

/** Sends a job's log to a socket, one entry a message, until the job has ended; then closes it. A slow reader holds up nothing but itself and misses nothing. */
export async function followJobLogs(socket: WebSocket, { jobId, after, store, wakeUps }: Following): Promise<void> {
  const bell = new Bell()
  const stopListening = wakeUps.on(jobId, () => bell.ring())
  const left = new AbortController()
  socket.on('close', () => left.abort())
  try {
    let cursor = after
    while (!left.signal.aborted) {
      // The job first: what was logged before it ended is then in the logs that are read after it.
      const job = await store.findById(jobId)
      cursor = await sendNew(socket, { jobId, after: cursor, store })
      if (job === undefined || job.completed_at !== null) {
        socket.close(1000)
        return
      }
      await bell.next({ timeoutMs: LOG_POLL_MS, signal: left.signal })
    }
  } finally {
    stopListening()
  }
}

async function sendNew(socket: WebSocket, { jobId, after, store }: Omit<Following, 'wakeUps'>): Promise<number> {
  let cursor = after
  for (;;) {
    const logs = await store.listLogs(jobId, { after: cursor }, LOG_BATCH)
    for (const log of logs) await sent(socket, writeJson(log))
    cursor = logs.at(-1)?.id ?? cursor
    if (logs.length < LOG_BATCH) return cursor
  }
}

/** Settles when the text is on its way; a closed socket swallows it, the loop around it sees that it is closed. */
async function sent(socket: WebSocket, text: string): Promise<void> {
  await new Promise<void>((resolve) => socket.send(text, () => resolve()))
}
