import { randomInt } from 'node:crypto'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { runProgram } from './run-program.ts'
import { waitUntil } from './wait-until.ts'

/** The folder of Debian's package containernetworking-plugins. */
export const CNI_PLUGINS = '/usr/lib/cni'

/**
 * A bridge that connects pods. It is not their gateway: they reach the machine at its address, and
 * nothing beyond. So the machine's forwarding and iptables stay unchanged.
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

/**
 * Removes the bridge if it exists. Waits until the kernel has removed the interfaces of pods, some
 * time after the last process.
 */
export async function removePodNetwork(bridge: string): Promise<void> {
  const interfaces = async (): Promise<string[] | undefined> => readdir(`/sys/class/net/${bridge}/brif`).catch(() => undefined)
  if ((await interfaces()) === undefined) return
  await waitUntil(`${bridge} has no interface left`, async () => ((await interfaces())?.length ? undefined : true), { timeoutMs: 10_000 })
  await runProgram('ip', ['link', 'delete', bridge]).catch(async (error: unknown) => {
    // Another start may have removed it at the same time.
    if ((await interfaces()) !== undefined) throw error
  })
}

/** Writes the configuration that tells containerd how to connect pods. */
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

/**
 * Returns the first three numbers of a network in which this machine has no address, and to which
 * it has only the default route.
 */
async function freePrefix(): Promise<string> {
  const routes = (await readFile('/proc/net/route', 'utf8')).split('\n').map((line) => line.split('\t')[1] ?? '')
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
  for (;;) {
    const [second, third] = [randomInt(100, 250), randomInt(0, 250)]
    // The table has hexadecimal addresses, last byte first. The first two bytes identify a /16 or
    // wider network.
    const neighbourhood = `${second.toString(16).padStart(2, '0').toUpperCase()}0A`
    const isTaken =
      routes.some((route) => route.endsWith(neighbourhood)) || addresses.some((address) => address.startsWith(`10.${second}.`))
    if (!isTaken) return `10.${second}.${third}`
  }
}
