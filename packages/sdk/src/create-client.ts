import { deriveClient, type ClientOptions, type DerivedClient } from './client.ts'
import { workspaceCalls, type WorkspaceCalls } from './workspace-calls.ts'

/**
 * A client of one server. It has a method for each operation of the API (see {@link
 * DerivedClient}), and shorter calls for what programs do most (see {@link WorkspaceCalls}).
 *
 * The contract's calls come last, because compilers explain why the last of several forms doesn't
 * fit.
 */
export type Client = { readonly workspaces: WorkspaceCalls } & DerivedClient

/**
 * Returns a client for a Berth server, or any server that speaks the Coder v2 HTTP API. Sends no
 * request yet.
 *
 * @example
 * const client = createClient({ url: 'https://berth.example.com', token })
 * const { workspaces } = await client.workspaces.list({ query: { owner: 'me' } })
 * const dev = await client.workspaces.get('me/dev')
 *
 * @throws TypeError for an invalid URL, or a token that no header can carry.
 */
export function createClient(options: ClientOptions): Client {
  const client = deriveClient(options)
  return { ...client, workspaces: workspaceCalls(client) }
}
