import type { Clock } from '../../clock.ts'
import type { WakeUps } from '../../database/wake-ups.ts'
import { frame, type EventStream } from '../../http/event-stream.ts'
import { writeJson } from '../../http/json-writer.ts'
import type { ResourcePresenter } from '../agents/present.ts'
import { presentWorkspace } from './present.ts'
import type { WorkspaceStore } from './store.ts'

/** If more changes than this wait to be read, they are merged. */
const MAX_WAITING_CHANGES = 16
/** After a failed read, in case it was due because an agent timed out. */
const RETRY_MS = 1_000
/** A timer can't wait longer than 24 days, so long waits are split. */
const MAX_WAIT_MS = 3_600_000

interface Watch {
  readonly streams: Set<EventStream>
  readonly stopListening: () => void
  isReading: boolean
  /** The number of announced changes that have not been sent. */
  waitingChanges: number
  /** Whether the status of an agent may have changed with time, or was never read. */
  isDue: boolean
  /** The status of all agents at the last read; undefined before it. */
  agents: string | undefined
  timer: NodeJS.Timeout | undefined
}

interface Look {
  readonly framed: string
  /** The status of all agents; absent when they could not be read. */
  readonly agents?: string
  /** How long until a status changes with time; undefined if none does. */
  readonly waitMs?: number | undefined
}

interface Dependencies {
  readonly store: WorkspaceStore
  readonly wakeUps: WakeUps
  readonly resources: ResourcePresenter
  readonly clock: Clock
}

/**
 * The watches of all workspaces. Each change is read once, however many streams watch, and changes
 * are sent in order, so every stream ends with the latest state. A workspace is also read again
 * when an agent is due to time out, which no notification announces.
 */
export class WorkspaceWatches {
  readonly #dependencies: Dependencies
  readonly #watches = new Map<string, Watch>()

  constructor(dependencies: Dependencies) {
    this.#dependencies = dependencies
  }

  /** Pings the client, and sends the whole workspace after each change, until the client leaves. */
  add(workspaceId: string, stream: EventStream): void {
    const watch = this.#watches.get(workspaceId) ?? this.#open(workspaceId)
    watch.streams.add(stream)
    // The ping comes after the stream is registered: from then on it misses no change.
    stream.keepAlive()
    void this.#read(workspaceId, watch)
    stream.onClose(() => {
      watch.streams.delete(stream)
      if (watch.streams.size > 0 || this.#watches.get(workspaceId) !== watch) return
      watch.stopListening()
      clearTimeout(watch.timer)
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
        watch.waitingChanges = Math.min(watch.waitingChanges + 1, MAX_WAITING_CHANGES)
        void this.#read(workspaceId, watch)
      }),
      isReading: false,
      waitingChanges: 0,
      isDue: true,
      agents: undefined,
      timer: undefined,
    }
    this.#watches.set(workspaceId, watch)
    return watch
  }

  async #read(workspaceId: string, watch: Watch): Promise<void> {
    if (watch.isReading) return
    watch.isReading = true
    while ((watch.waitingChanges > 0 || watch.isDue) && watch.streams.size > 0) {
      const isAnnounced = watch.waitingChanges > 0
      if (isAnnounced) watch.waitingChanges -= 1
      watch.isDue = false
      const { framed, agents, waitMs } = await this.#look(workspaceId)
      const hasTimedOut = agents !== undefined && watch.agents !== undefined && agents !== watch.agents
      if (isAnnounced || hasTimedOut) for (const stream of watch.streams) stream.send(framed)
      watch.agents = agents ?? watch.agents
      this.#readAgainIn(waitMs, { workspaceId, watch })
    }
    watch.isReading = false
  }

  #readAgainIn(waitMs: number | undefined, { workspaceId, watch }: { readonly workspaceId: string; readonly watch: Watch }): void {
    clearTimeout(watch.timer)
    if (waitMs === undefined || watch.streams.size === 0) return
    watch.timer = setTimeout(
      () => {
        watch.isDue = true
        void this.#read(workspaceId, watch)
      },
      Math.min(waitMs, MAX_WAIT_MS),
    )
  }

  async #look(workspaceId: string): Promise<Look> {
    const { store, resources, clock } = this.#dependencies
    try {
      const view = await store.findView(workspaceId)
      if (view === undefined) return { framed: frame('error', writeJson({ message: 'The workspace no longer exists.' })) }
      const now = clock.now()
      const workspace = presentWorkspace(view, { resources, now })
      const nextMs = resources.nextChangeMs(view.build.resources)
      return {
        framed: frame('data', writeJson(workspace)),
        agents: workspace.latest_build.resources
          .flatMap((resource) => resource.agents ?? [])
          .map(({ id, status }) => `${id} ${status}`)
          .join(),
        // The status changes after that instant, not at it.
        waitMs: nextMs === undefined ? undefined : nextMs - now.getTime() + 1,
      }
    } catch {
      return { framed: frame('error', writeJson({ message: 'Internal error fetching workspace.' })), waitMs: RETRY_MS }
    }
  }
}
