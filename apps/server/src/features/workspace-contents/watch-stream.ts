import type { Duplex } from 'node:stream'
import { Value } from '@sinclair/typebox/value'
import { FileChangesEvent } from '@berth/schema'
import { frame, type EventStream } from '../../http/event-stream.ts'
import { writeJson } from '../../http/json-writer.ts'

/** More than a full event takes. */
const MAX_LINE_BYTES = 8 * 1024 * 1024
const NEWLINE = 10

/**
 * Passes on each line of JSON from an agent as an event, at the client's pace. Ends when either
 * side does, or when the agent sends something else.
 */
export function followChanges(stream: Duplex, events: EventStream): void {
  events.keepAlive()
  events.onClose(() => stream.destroy())
  void passOn(stream, events)
}

async function passOn(stream: Duplex, events: EventStream): Promise<void> {
  try {
    for await (const line of linesOf(stream)) {
      const event: unknown = JSON.parse(line)
      if (!Value.Check(FileChangesEvent, event)) break
      await events.deliver(frame('data', writeJson(Value.Clean(FileChangesEvent, event))))
    }
  } catch {
    // The agent left or sent something else; the client opens the stream again.
  } finally {
    stream.destroy()
    events.end()
  }
}

async function* linesOf(stream: Duplex): AsyncGenerator<string, void, void> {
  let waiting: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      yield Buffer.concat([...waiting, chunk.subarray(start, end)]).toString('utf8')
      waiting = []
      bytes = 0
      start = end + 1
    }
    waiting.push(chunk.subarray(start))
    bytes += chunk.length - start
    if (bytes > MAX_LINE_BYTES) return
  }
}
