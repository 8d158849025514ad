import type { WebSocket } from 'ws'
import { Bell, type WakeUps } from '../../database/wake-ups.ts'
import { writeJson } from '../../http/json-writer.ts'
import type { JobStore } from './store.ts'

const BATCH_SIZE = 500
/** How often the log is checked without a wake-up. */
const POLL_INTERVAL_MS = 15_000

interface Following {
  readonly jobId: string
  /** Only entries with a greater ID are sent. */
  readonly after: number
  readonly store: JobStore
  readonly wakeUps: WakeUps
}

/**
 * Sends a job's log to a socket, one entry per message, until the job has ended. Then closes the
 * socket. A slow reader misses nothing and delays nobody else.
 */
export async function followJobLogs(socket: WebSocket, { jobId, after, store, wakeUps }: Following): Promise<void> {
  const bell = new Bell()
  const stopListening = wakeUps.on(jobId, () => bell.ring())
  const left = new AbortController()
  socket.on('close', () => left.abort())
  try {
    let cursor = after
    while (!left.signal.aborted) {
      // Read the job before its log: then a log read after the job ended is complete.
      const job = await store.findById(jobId)
      cursor = await sendNew(socket, { jobId, after: cursor, store })
      if (job === undefined || job.completed_at !== null) {
        socket.close(1000)
        return
      }
      await bell.next({ timeoutMs: POLL_INTERVAL_MS, signal: left.signal })
    }
  } finally {
    stopListening()
  }
}

async function sendNew(socket: WebSocket, { jobId, after, store }: Omit<Following, 'wakeUps'>): Promise<number> {
  let cursor = after
  for (;;) {
    const logs = await store.listLogs(jobId, { after: cursor }, BATCH_SIZE)
    for (const log of logs) await sent(socket, writeJson(log))
    cursor = logs.at(-1)?.id ?? cursor
    if (logs.length < BATCH_SIZE) return cursor
  }
}

/**
 * Resolves when the text is sent, or dropped by a closed socket. The loop around it notices that
 * the socket is closed.
 */
async function sent(socket: WebSocket, text: string): Promise<void> {
  await new Promise<void>((resolve) => socket.send(text, () => resolve()))
}
