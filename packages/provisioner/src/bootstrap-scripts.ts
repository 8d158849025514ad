import type { TemplateAgent } from '@berth/schema'

/** How an agent proves which it is. `token`: by the token in `CODER_AGENT_TOKEN`, which the template hands to the process. */
export type AgentAuth = 'token' | 'google-instance-identity' | 'aws-instance-identity' | 'azure-instance-identity'

export type AgentSystem = NonNullable<TemplateAgent['os']>
export type AgentArchitecture = NonNullable<TemplateAgent['arch']>

/** Systems and processors that there is a script for (Coder v2 API, v0.13.4). */
const SUPPORTED: readonly (readonly [AgentSystem, AgentArchitecture])[] = [
  ['linux', 'amd64'],
  ['linux', 'arm64'],
  ['linux', 'armv7'],
  ['darwin', 'amd64'],
  ['darwin', 'arm64'],
  ['windows', 'amd64'],
  ['windows', 'arm64'],
]

/** What a failed start leaves is a process that waits, so that its output can still be read where a container or a machine would be gone. */
const STAY = `stay() {
  status=$?
  echo "The agent did not start (status $status); what stopped it is above. This process waits for a day, to be looked at." >&2
  sleep 86400
  exit "$status"
}
trap stay EXIT
folder=$(mktemp -d "\${TMPDIR:-/tmp}/berth-agent.XXXXXX")
cd "$folder"
`

const RUN = `until fetch; do
  echo "$url could not be fetched. Trying again in 30 seconds." >&2
  sleep 30
done
chmod +x coder
export CODER_AGENT_AUTH='\${AUTH_TYPE}' CODER_AGENT_URL='\${ACCESS_URL}'
exec ./coder agent
`

const LINUX = `#!/usr/bin/env sh
# Fetches the agent of this workspace from its server, and becomes it.
set -eu
${STAY}url='\${ACCESS_URL}bin/coder-linux-\${ARCH}'
if command -v curl >/dev/null; then
  fetch() { curl -fsSL --compressed "$url" -o coder; }
elif command -v wget >/dev/null; then
  fetch() { wget -q "$url" -O coder; }
elif command -v busybox >/dev/null; then
  fetch() { busybox wget -q "$url" -O coder; }
else
  echo 'The agent cannot be fetched: there is neither curl nor wget nor busybox here.' >&2
  exit 127
fi
${RUN}`

const DARWIN = `#!/usr/bin/env sh
# Fetches the agent of this workspace from its server, and becomes it.
set -eu
${STAY}url='\${ACCESS_URL}bin/coder-darwin-\${ARCH}'
fetch() { curl -fsSL --compressed "$url" -o coder; }
${RUN}`

/** Scanning an executable of 100 MB delays each start: that one file is left out, and nothing else about the machine is changed. */
const WINDOWS = `# Fetches the agent of this workspace from its server, and runs it.
$ErrorActionPreference = 'Stop'
$program = "$env:TEMP\\sshd.exe"
try { Add-MpPreference -ExclusionPath $program } catch { Write-Output "Windows Defender will look at the agent first: $_" }
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
Invoke-WebRequest -UseBasicParsing -Uri '\${ACCESS_URL}bin/coder-windows-\${ARCH}.exe' -OutFile $program
$env:CODER_AGENT_AUTH = '\${AUTH_TYPE}'
$env:CODER_AGENT_URL = '\${ACCESS_URL}'
Start-Process -FilePath $program -ArgumentList 'agent' -NoNewWindow -Wait
`

const SCRIPTS: Readonly<Record<AgentSystem, string>> = { linux: LINUX, darwin: DARWIN, windows: WINDOWS }

/**
 * The scripts that bring up an agent where there is none, as environment of those who run templates:
 * `CODER_AGENT_SCRIPT_<system>_<architecture>`. `${ACCESS_URL}`, which ends with a slash, and `${AUTH_TYPE}` in them are still to be
 * filled in (Coder v2 API, v0.13.4).
 */
export function bootstrapScripts(): Record<string, string> {
  const entries = SUPPORTED.map(([system, architecture]) => [
    `CODER_AGENT_SCRIPT_${system}_${architecture}`,
    scriptFor(system, architecture),
  ])
  return Object.fromEntries(entries) as Record<string, string>
}

/**
 * The script that brings up an agent in a place of the given kind: it fetches the agent from the server and becomes it.
 *
 * @throws RangeError for a kind of place that no agent is made for, or where `accessUrl` is no address.
 */
export function bootstrapScript(place: {
  readonly system: AgentSystem
  readonly architecture: AgentArchitecture
  /** Where the place reaches the server. */
  readonly accessUrl: string
  readonly auth: AgentAuth
}): string {
  const { system, architecture, accessUrl, auth } = place
  if (!SUPPORTED.some(([knownSystem, known]) => knownSystem === system && known === architecture))
    throw new RangeError(`There is no agent for ${system} on ${architecture}.`)
  if (!URL.canParse(accessUrl)) throw new RangeError(`"${accessUrl}" is not an address.`)
  // Within quotes of either shell: what could end them is written as an address may write it.
  const url = new URL(accessUrl).href.replaceAll("'", '%27').replace(/\/*$/, '/')
  return scriptFor(system, architecture)
    .replaceAll('${ACCESS_URL}', () => url)
    .replaceAll('${AUTH_TYPE}', () => auth)
}

function scriptFor(system: AgentSystem, architecture: AgentArchitecture): string {
  return SCRIPTS[system].replaceAll('${ARCH}', architecture)
}
