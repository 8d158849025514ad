import ssh2, { type ClientChannel, type ExecOptions } from 'ssh2'
import type { DialTunnel } from '@berth/tunnel'

export interface CommandResult {
  stdout: Buffer
  stderr: string
  code: number | null
  signal: string | undefined
}

/** Opens an SSH connection through the tunnel. */
export async function connectSsh(tunnel: DialTunnel): Promise<ssh2.Client> {
  const client = new ssh2.Client()
  const sock = await tunnel.dial('ssh')
  await new Promise<void>((resolve, reject) => {
    client.once('ready', resolve)
    client.on('error', reject)
    client.connect({ sock, username: 'anybody' })
  })

  return client
}

export function openCommand(client: ssh2.Client, command: string, options: ExecOptions = {}): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, options, (error, channel) => (error ? reject(error) : resolve(channel)))
  })
}

/** Runs a command until it ends. */
export async function runOverSsh(
  client: ssh2.Client,
  command: string,
  options: ExecOptions & { stdin?: Buffer } = {},
): Promise<CommandResult> {
  const { stdin, ...rest } = options
  const channel = await openCommand(client, command, rest)
  const result = collect(channel)
  channel.end(stdin ?? Buffer.alloc(0))
  return result
}

export function collect(channel: ClientChannel): Promise<CommandResult> {
  return new Promise((resolve) => {
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    channel.on('data', (chunk: Buffer) => stdout.push(chunk))
    channel.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    channel.once('close', (code: number | null, signal?: string) =>
      resolve({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString(), code: code ?? null, signal }),
    )
  })
}
