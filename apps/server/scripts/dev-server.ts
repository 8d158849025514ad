/** A server that dev.ts has forked: loads its modules, and starts when it is told to. */
import { once } from 'node:events'

const told = once(process, 'message')
await import('../src/create-server.ts')
await told
process.disconnect()
await import('../src/main.ts')
