/** Version of the Coder v2 API that Berth speaks. Clients compare it. */
export const apiVersion = 'v0.13.4'

/**
 * Returns the version that the server and its agents report: the version of the API, then, after a
 * plus sign, that of Berth. A workspace whose agent reports another one has an older agent.
 */
export function reportedVersion(own: string): string {
  return `${apiVersion}+berth.${own}`
}
