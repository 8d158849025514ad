import { get, type IncomingMessage } from 'node:http'
import type { Workspace } from '@berth/schema'
import { eventually } from './eventually.ts'
import type { TestServer } from './start-test-server.ts'

export interface WatchEvent {
  readonly event: string
  readonly data: Workspace | undefined
}

/** A workspace being watched, with nothing but an HTTP client in between. */
export interface Watch {
  readonly response: IncomingMessage
  /** All bytes so far. */
  readonly text: () => string
  readonly events: () => WatchEvent[]
  /** Whole workspaces that came, in order. */
  readonly changes: () => Workspace[]
  /** Waits for a change, of those that came after the last one asked for, that fits. */
  readonly next: (fits?: (workspace: Workspace) => boolean) => Promise<Workspace>
  /** Nothing of this comes any more once it has settled. */
  readonly close: () => void
}

/** Begins to watch a workspace; settles when the first ping is there. */
export async function openWatch(server: TestServer, workspaceId: string, token = server.firstUser.token): Promise<Watch> {
  const request = get(`${server.url}/api/v2/workspaces/${workspaceId}/watch`, { agent: false, headers: { 'Coder-Session-Token': token } })
  const response = await new Promise<IncomingMessage>((resolve, reject) => request.on('response', resolve).on('error', reject))
  let text = ''
  let unread = ''
  let cursor = 0
  const events: WatchEvent[] = []
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => {
    text += chunk
    const blocks = (unread + chunk).split('\n\n')
    unread = blocks.pop() ?? ''
    events.push(...blocks.map(readEvent))
  })
  response.on('error', () => {}) // closing it is one
  const changes = (): Workspace[] => events.flatMap(({ event, data }) => (event === 'data' && data !== undefined ? [data] : []))
  await eventually(async () => (events.length > 0 ? true : undefined))
  return {
    response,
    text: () => text,
    events: () => events,
    changes,
    next: async (fits = () => true) =>
      await eventually(async () => {
        const all = changes()
        const index = all.findIndex((workspace, position) => position >= cursor && fits(workspace))
        if (index === -1) return undefined
        cursor = index + 1
        return all[index]
      }),
    close: () => void request.destroy(),
  }
}

function readEvent(block: string): WatchEvent {
  const [event = '', data] = block.split('\n')
  return {
    event: event.replace('event: ', ''),
    data: data === undefined ? undefined : (JSON.parse(data.replace('data: ', '')) as Workspace),
  }
}
