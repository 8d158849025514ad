import { routes } from '@berth/schema/routes'
import type { CallOptions, DerivedClient } from './client.ts'
import type { ForwardOptions, ForwardedPort } from './forwarded-port.ts'
import { expandPath } from './request-url.ts'
import type { WorkspacePlace } from './workspace-place.ts'

/** The ports that programs in a workspace listen on. */
export class WorkspacePorts {
  readonly #client: DerivedClient
  readonly #place: () => Promise<WorkspacePlace>

  constructor(client: DerivedClient, place: () => Promise<WorkspacePlace>) {
    this.#client = client
    this.#place = place
  }

  /**
   * Returns the URL of a port for browsers that are signed in as the workspace's owner.
   *
   * @throws Error if the deployment has no host names for apps.
   */
  async url(port: number, options?: CallOptions): Promise<string> {
    const { workspace, agent } = await this.#place()
    const { host } = await this.#client.applications.getHost(undefined, options)
    if (host === '') throw new Error('The deployment has no host names for apps. Ask an administrator to set one, or use ports.forward.')
    const server = new URL(this.#client.url)
    // The pattern has a port of its own if it isn't the server's.
    const address = host.includes(':') || server.port === '' ? host : `${host}:${server.port}`
    const label = `${port}--${agent.name}--${workspace.name}--${workspace.owner_name}`
    return `${server.protocol}//${address.replace('*', () => label)}`
  }

  /** Listens on a port of this machine that leads to one in the workspace. Not in browsers. */
  async forward(port: number, options: ForwardOptions = {}): Promise<ForwardedPort> {
    const { agent } = await this.#place()
    // Loaded here, because few programs forward ports, and Node's HTTP/2 takes a while to load.
    const { forwardPort } = await import('#forward-port')
    const path = expandPath(routes.agents.dialTunnel.path, { workspaceagent: agent.id })
    return await forwardPort({ url: this.#client.socketUrl(path), headers: this.#client.headers() }, port, options)
  }
}
