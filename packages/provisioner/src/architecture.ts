/** The wire's names for architectures that Node.js names differently (Coder v2 API, v0.13.4). */
const WIRE_NAMES: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'armv7' }

/** Converts a value of `process.arch` to the wire's name: `amd64`, `arm64`, `armv7`. */
export function wireArchitecture(architecture: string): string {
  return WIRE_NAMES[architecture] ?? architecture
}
