import type { TemplateAgent } from '@berth/schema'
import type { AgentAuth } from '@berth/schema/rules'

export type AgentSystem = NonNullable<TemplateAgent['os']>
export type AgentArchitecture = NonNullable<TemplateAgent['arch']>

/** Where an agent is to run, and how it finds its server. */
export interface AgentPlace {
  readonly system: AgentSystem
  readonly architecture: AgentArchitecture
  /** Where the place reaches the server. */
  readonly accessUrl: string
  /** With `token` the template hands the token to the process as `CODER_AGENT_TOKEN`. */
  readonly auth: AgentAuth
}

/** What a script is written with. `url` ends with a slash and has nothing in it that could end a quote. */
interface Written {
  readonly url: string
  readonly architecture: AgentArchitecture
  readonly auth: AgentAuth
}

const SCRIPTS: Readonly<Record<AgentSystem, (written: Written) => string>> = {
  linux: (written) =>
    unixScript(
      { ...written, system: 'linux' },
      `if command -v curl >/dev/null; then
  fetch() { curl -fsSL --compressed "$url" -o coder; }
elif command -v wget >/dev/null; then
  fetch() { wget -q "$url" -O coder; }
elif command -v busybox >/dev/null; then
  fetch() { busybox wget -q "$url" -O coder; }
else
  echo 'The agent cannot be fetched: there is neither curl nor wget nor busybox here.' >&2
  exit 127
fi`,
    ),
  darwin: (written) => unixScript({ ...written, system: 'darwin' }, 'fetch() { curl -fsSL --compressed "$url" -o coder; }'),
  windows: windowsScript,
}

/**
 * The script that brings up an agent in a place that has nothing of Berth: it fetches the agent from the server and becomes it (Coder v2 API,
 * v0.13.4).
 *
 * @throws RangeError for a kind of place that no agent is made for, or where `accessUrl` is no address.
 */
export function bootstrapScript({ system, architecture, accessUrl, auth }: AgentPlace): string {
  if (architecture === 'armv7' && system !== 'linux') throw new RangeError(`There is no agent for ${system} on ${architecture}.`)
  if (!URL.canParse(accessUrl)) throw new RangeError(`"${accessUrl}" is not an address.`)
  const url = new URL(accessUrl).href.replaceAll("'", '%27').replace(/\/*$/, '/')
  return SCRIPTS[system]({ url, architecture, auth })
}

/** What a failed start leaves is a process that waits, so that its output can still be read where a container or a machine would be gone. */
function unixScript({ url, system, architecture, auth }: Written & { readonly system: AgentSystem }, defineFetch: string): string {
  return `#!/usr/bin/env sh
# Fetches the agent of this workspace from its server, and becomes it.
set -eu
stay() {
  status=$?
  echo "The agent did not start (status $status); what stopped it is above. This process waits for a day, to be looked at." >&2
  sleep 86400
  exit "$status"
}
trap stay EXIT
folder=$(mktemp -d "\${TMPDIR:-/tmp}/berth-agent.XXXXXX")
cd "$folder"
url='${url}bin/coder-${system}-${architecture}'
${defineFetch}
until fetch; do
  echo "$url could not be fetched. Trying again in 30 seconds." >&2
  sleep 30
done
chmod +x coder
export CODER_AGENT_AUTH='${auth}' CODER_AGENT_URL='${url}'
exec ./coder agent
`
}

/** Scanning an executable of 100 MB delays each start: that one file is left out, and nothing else about the machine is changed. */
function windowsScript({ url, architecture, auth }: Written): string {
  return `# Fetches the agent of this workspace from its server, and runs it.
$ErrorActionPreference = 'Stop'
$program = "$env:TEMP\\sshd.exe"
try { Add-MpPreference -ExclusionPath $program } catch { Write-Output "Windows Defender will look at the agent first: $_" }
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
Invoke-WebRequest -UseBasicParsing -Uri '${url}bin/coder-windows-${architecture}.exe' -OutFile $program
$env:CODER_AGENT_AUTH = '${auth}'
$env:CODER_AGENT_URL = '${url}'
Start-Process -FilePath $program -ArgumentList 'agent' -NoNewWindow -Wait
`
}
