import type { TemplateAgent } from '@berth/schema'
import type { AgentAuth } from '@berth/schema/rules'

export type AgentSystem = NonNullable<TemplateAgent['os']>
export type AgentArchitecture = NonNullable<TemplateAgent['arch']>

/** Where an agent runs and how it reaches its server. */
export interface AgentPlace {
  readonly system: AgentSystem
  readonly architecture: AgentArchitecture
  /** The URL of the server, reachable from where the agent runs. */
  readonly accessUrl: string
  /**
   * How the agent authenticates. With `token`, the template sets `CODER_AGENT_TOKEN` for the
   * process.
   */
  readonly auth: AgentAuth
}

/** The values in a script. `url` ends with a slash and contains no quotes. */
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
  echo 'Cannot download the agent: neither curl nor wget nor busybox is installed.' >&2
  exit 127
fi`,
    ),
  darwin: (written) => unixScript({ ...written, system: 'darwin' }, 'fetch() { curl -fsSL --compressed "$url" -o coder; }'),
  windows: windowsScript,
}

/**
 * Returns the script that starts an agent on a machine without Berth: it downloads the agent from
 * the server and runs it (Coder v2 API, v0.13.4).
 *
 * @throws RangeError if there is no agent for the platform, or if `accessUrl` isn't a valid URL.
 */
export function bootstrapScript({ system, architecture, accessUrl, auth }: AgentPlace): string {
  if (architecture === 'armv7' && system !== 'linux') throw new RangeError(`There is no agent for ${system} on ${architecture}.`)
  if (!URL.canParse(accessUrl)) throw new RangeError(`"${accessUrl}" isn't a valid URL.`)
  const url = new URL(accessUrl).href.replaceAll("'", '%27').replace(/\/*$/, '/')
  return SCRIPTS[system]({ url, architecture, auth })
}

/**
 * After a failure the script keeps running, so that the container or the machine stays and its
 * output can be read.
 */
function unixScript({ url, system, architecture, auth }: Written & { readonly system: AgentSystem }, defineFetch: string): string {
  return `#!/usr/bin/env sh
# Downloads the agent of this workspace from its server and runs it.
set -eu
stay() {
  status=$?
  echo "The agent did not start (status $status). The output above says why. This process stays for a day so that you can read it." >&2
  sleep 86400
  exit "$status"
}
trap stay EXIT
folder=$(mktemp -d "\${TMPDIR:-/tmp}/berth-agent.XXXXXX")
cd "$folder"
url='${url}bin/coder-${system}-${architecture}'
${defineFetch}
until fetch; do
  echo "Could not download $url. Trying again in 30 seconds." >&2
  sleep 30
done
chmod +x coder
export CODER_AGENT_AUTH='${auth}' CODER_AGENT_URL='${url}'
exec ./coder agent
`
}

/**
 * The script excludes only the agent's file from scanning, because scanning 100 MB delays each
 * start.
 */
function windowsScript({ url, architecture, auth }: Written): string {
  return `# Downloads the agent of this workspace from its server and runs it.
$ErrorActionPreference = 'Stop'
$program = "$env:TEMP\\sshd.exe"
try { Add-MpPreference -ExclusionPath $program } catch { Write-Output "Windows Defender will scan the agent first: $_" }
[Net.ServicePointManager]::SecurityProtocol = [Net.SecurityProtocolType]::Tls12
Invoke-WebRequest -UseBasicParsing -Uri '${url}bin/coder-windows-${architecture}.exe' -OutFile $program
$env:CODER_AGENT_AUTH = '${auth}'
$env:CODER_AGENT_URL = '${url}'
Start-Process -FilePath $program -ArgumentList 'agent' -NoNewWindow -Wait
`
}
