import { randomInt } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { runProgram } from './run-program.ts'
import { waitUntil } from './wait-until.ts'

/** Where Debian puts the plugins of containernetworking-plugins. */
export const CNI_PLUGINS = '/usr/lib/cni'

/**
 * A bridge that pods are plugged into. It is the pods' neighbour and not their gateway: they reach the machine at its address and nothing beyond,
 * so neither forwarding nor iptables of the machine are touched.
 */
export interface PodNetwork {
  readonly bridge: string
  readonly hostAddress: string
  readonly subnet: string
}

export async function addPodNetwork(bridge: string): Promise<PodNetwork> {
  const prefix = await freePrefix()
  const network = { bridge, hostAddress: `${prefix}.1`, subnet: `${prefix}.0/24` }
  await runProgram('ip', ['link', 'add', bridge, 'type', 'bridge'])
  await runProgram('ip', ['address', 'add', `${network.hostAddress}/24`, 'dev', bridge])
  await runProgram('ip', ['link', 'set', bridge, 'up'])
  return network
}

/** Removes the bridge, there or not, once the pods' interfaces are gone, which the kernel removes some time after the last process. */
export async function removePodNetwork(bridge: string): Promise<void> {
  const interfaces = async (): Promise<string[] | undefined> => readdir(`/sys/class/net/${bridge}/brif`).catch(() => undefined)
  if ((await interfaces()) === undefined) return
  await waitUntil(`${bridge} has no interface left`, async () => ((await interfaces())?.length ? undefined : true), { timeoutMs: 10_000 })
  await runProgram('ip', ['link', 'delete', bridge]).catch(async (error: unknown) => {
    // Two starts may sweep at once.
    if ((await interfaces()) !== undefined) throw error
  })
}

/** Tells containerd how a pod is plugged in. */
export async function writeNetworkConfig(directory: string, { bridge, hostAddress, subnet }: PodNetwork): Promise<void> {
  await mkdir(directory)
  const plugin = {
    type: 'bridge',
    bridge,
    isGateway: false,
    ipMasq: false,
    ipam: { type: 'host-local', ranges: [[{ subnet, gateway: hostAddress }]] },
  }
  await writeFile(join(directory, '10-pods.conflist'), JSON.stringify({ cniVersion: '0.4.0', name: 'pods', plugins: [plugin] }))
}

/** The first three numbers of a network that this machine has neither an address in nor a route to, the default one aside. */
async function freePrefix(): Promise<string> {
  const routes = (await readFile('/proc/net/route', 'utf8')).split('\n').map((line) => line.split('\t')[1] ?? '')
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
  for (;;) {
    const [second, third] = [randomInt(100, 250), randomInt(0, 250)]
    // The table has addresses as hexadecimal numbers, last byte first. A /16 or wider is told by its first two bytes.
    const neighbourhood = `${second.toString(16).padStart(2, '0').toUpperCase()}0A`
    const isTaken =
      routes.some((route) => route.endsWith(neighbourhood)) || addresses.some((address) => address.startsWith(`10.${second}.`))
    if (!isTaken) return `10.${second}.${third}`
  }
}
