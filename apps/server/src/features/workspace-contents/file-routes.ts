import type { workspaceFiles } from '@berth/schema'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { WorkspaceContents } from './service.ts'
import { followChanges } from './watch-stream.ts'

export function workspaceFileRoutes<Agent>(service: WorkspaceContents): Handlers<typeof workspaceFiles, FoundByPath, Agent> {
  return {
    list: async ({ query, connection, ...place }) => await service.list(place, query, { signal: connection.closed() }),
    remove: async ({ query: { path, recursive = false }, connection, ...place }) => {
      await service.change(place, 'files.remove', { path, recursive }, { signal: connection.closed() })
    },
    stat: async ({ query, connection, ...place }) => await service.ask(place, 'files.stat', query, { signal: connection.closed() }),
    read: async ({ query: { path, offset = 0, length = -1 }, connection, ...place }) => {
      const { stream } = await service.open(place, 'files.read', { path, offset, length }, { signal: connection.closed() })
      await connection.sendBytes(stream)
    },
    write: async ({ query: { path, parents = false, mode = '' }, body, connection, ...place }) =>
      await service.change(place, 'files.write', { path, parents, mode }, { signal: connection.closed(), body }),
    makeDirectory: async ({ body: { path, parents = false }, connection, ...place }) =>
      await service.change(place, 'files.mkdir', { path, parents }, { signal: connection.closed() }),
    rename: async ({ body, connection, ...place }) => await service.change(place, 'files.rename', body, { signal: connection.closed() }),
    watch: async ({ query, connection, ...place }) => {
      const { stream } = await service.open(place, 'files.watch', query, { signal: connection.closed() })
      followChanges(stream, connection.openEventStream())
    },
  }
}
