import type { Clock } from '../../clock.ts'
import type { WakeUps } from '../../database/wake-ups.ts'
import { frame, type EventStream } from '../../http/event-stream.ts'
import { writeJson } from '../../http/json-writer.ts'
import type { ResourcePresenter } from '../agents/present-resources.ts'
import { presentWorkspace } from './present.ts'
import type { WorkspaceStore } from './store.ts'

const PING_INTERVAL_MS = 15_000

interface Watch {
  readonly streams: Set<EventStream>
  readonly stopListening: () => void
  isReading: boolean
  hasChanged: boolean
}

interface Dependencies {
  readonly store: WorkspaceStore
  readonly wakeUps: WakeUps
  readonly resources: ResourcePresenter
  readonly clock: Clock
}

/**
 * Everybody who watches a workspace. A change is read and written out once, however many watch; changes that come while it is being read are read together after it, so every
 * watcher ends with the newest state.
 */
export class WorkspaceWatches {
  readonly #dependencies: Dependencies
  readonly #watches = new Map<string, Watch>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Sends a ping at once and every 15 seconds, and the whole workspace after each change, until the client leaves. */
  add(workspaceId: string, stream: EventStream): void {
    const watch = this.#watches.get(workspaceId) ?? this.#open(workspaceId)
    watch.streams.add(stream)
    // Only now, when no change can be missed any more.
    stream.ping()
    const timer = setInterval(() => stream.ping(), PING_INTERVAL_MS)
    stream.onClose(() => {
      clearInterval(timer)
      watch.streams.delete(stream)
      if (watch.streams.size > 0 || this.#watches.get(workspaceId) !== watch) return
      watch.stopListening()
      this.#watches.delete(workspaceId)
    })
  }

  /** Ends all streams. */
  close(): void {
    for (const { streams } of this.#watches.values()) for (const stream of streams) stream.end()
  }

  #open(workspaceId: string): Watch {
    const watch: Watch = {
      streams: new Set(),
      stopListening: this.#dependencies.wakeUps.on(workspaceId, () => {
        watch.hasChanged = true
        if (!watch.isReading) void this.#read(workspaceId, watch)
      }),
      isReading: false,
      hasChanged: false,
    }
    this.#watches.set(workspaceId, watch)
    return watch
  }

  async #read(workspaceId: string, watch: Watch): Promise<void> {
    watch.isReading = true
    while (watch.hasChanged && watch.streams.size > 0) {
      watch.hasChanged = false
      const framed = await this.#event(workspaceId)
      for (const stream of watch.streams) stream.send(framed)
    }
    watch.isReading = false
  }

  async #event(workspaceId: string): Promise<string> {
    const { store, resources, clock } = this.#dependencies
    try {
      const view = await store.findView(workspaceId)
      if (view === undefined) return frame('error', writeJson({ message: 'The workspace is gone.' }))
      return frame('data', writeJson(presentWorkspace(view, { resources, now: clock.now() })))
    } catch {
      return frame('error', writeJson({ message: 'Internal error fetching workspace.' }))
    }
  }
}
