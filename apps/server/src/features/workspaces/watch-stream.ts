import type { Clock } from '../../clock.ts'
import type { WakeUps } from '../../database/wake-ups.ts'
import { frame, type EventStream } from '../../http/event-stream.ts'
import { writeJson } from '../../http/json-writer.ts'
import type { ResourcePresenter } from '../agents/present.ts'
import { presentWorkspace } from './present.ts'
import type { WorkspaceStore } from './store.ts'

/** Changes that are made faster than they can be read are shown together once so many wait. */
const MAX_WAITING_CHANGES = 16
/** Timers take no more than 24 days; a long wait is cut into pieces. */
const MAX_WAIT_MS = 3_600_000

interface Watch {
  readonly streams: Set<EventStream>
  readonly stopListening: () => void
  isReading: boolean
  /** Changes that were announced and not shown yet. */
  waitingChanges: number
  /** An agent may have changed by the mere passing of time, or it is not known yet when one does. */
  isDue: boolean
  /** The states of all agents when the workspace was read last; undefined before that. */
  agents: string | undefined
  timer: NodeJS.Timeout | undefined
}

interface Look {
  readonly framed: string
  readonly agents?: string
  /** How long nothing changes by itself; undefined: for ever. */
  readonly waitMs?: number | undefined
}

interface Dependencies {
  readonly store: WorkspaceStore
  readonly wakeUps: WakeUps
  readonly resources: ResourcePresenter
  readonly clock: Clock
}

/**
 * Everybody who watches a workspace. Each change is read and written out once, however many watch, one after the other, so every
 * watcher ends with the newest state. An agent that times out changes too, though nobody says so: the workspace is read again when that is due.
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
    // The ping says that no change is missed from now on, so it comes after subscribing.
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
      if (isAnnounced || (watch.agents !== undefined && agents !== watch.agents)) for (const stream of watch.streams) stream.send(framed)
      watch.agents = agents
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
      if (view === undefined) return { framed: frame('error', writeJson({ message: 'The workspace is gone.' })) }
      const now = clock.now()
      const workspace = presentWorkspace(view, { resources, now })
      const nextMs = resources.nextChangeMs(view.build.resources)
      return {
        framed: frame('data', writeJson(workspace)),
        agents: workspace.latest_build.resources
          .flatMap((resource) => resource.agents ?? [])
          .map(({ id, status }) => `${id} ${status}`)
          .join(),
        // A status changes after the instant, not at it.
        waitMs: nextMs === undefined ? undefined : nextMs - now.getTime() + 1,
      }
    } catch {
      return { framed: frame('error', writeJson({ message: 'Internal error fetching workspace.' })) }
    }
  }
}
