/** Names that the wire has for processors where Node's are others (Coder v2 API, v0.13.4). */
const WIRE_NAMES: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'armv7' }

/** The wire's name of a processor: `amd64`, `arm64`, `armv7`. @param architecture as Node names it in `process.arch`. */
export function wireArchitecture(architecture: string): string {
  return WIRE_NAMES[architecture] ?? architecture
}
