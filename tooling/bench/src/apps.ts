import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'
import { figureLine, percentile, print } from './percentiles.ts'
import { agentToken, seedWorkspaces } from './seed.ts'
import { withServer } from './with-server.ts'

const ROUNDS = 5
const REQUESTS = 3_000
const CONCURRENT = 16
const ONE_BY_ONE = 500
const PART = fileURLToPath(new URL('app-part.ts', import.meta.url))

/** An address that is asked for again and again. */
interface Way {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly agent: Agent
}

/** Measures an app through the server and the tunnel of its agent against a bare proxy of Node. */
export async function apps(): Promise<void> {
  await withServer(async ({ server, database, ownerToken }) => {
    await seedWorkspaces(database, { from: 1, to: 1 })
    const parts: ChildProcess[] = []
    const start = async (...words: readonly string[]): Promise<number> => {
      const child = fork(PART, words, { execArgv: ['--import', 'tsx', '--conditions=@berth/source'] })
      parts.push(child)
      const [port] = (await once(child, 'message')) as [number]
      return port
    }
    try {
      const app = await start('app')
      const proxy = await start('proxy', String(app))
      await database.query('update workspace_apps set url = $1', [`http://localhost:${app}`])
      await start('agent', server.url, agentToken(1), String(app))
      const bare = { url: `http://127.0.0.1:${proxy}/`, headers: {}, agent: new Agent({ keepAlive: true }) }
      const path = `${server.url}/@seed-1/ws-1.main/apps/app-1/`
      const berth = { url: path, headers: { 'Coder-Session-Token': ownerToken }, agent: new Agent({ keepAlive: true }) }
      await compare(bare, berth)
    } finally {
      for (const part of parts) part.kill()
    }
  })
}

/** The ways take turns, so that other work on the machine slows both. */
async function compare(bare: Way, berth: Way): Promise<void> {
  for (const way of [bare, berth]) await rate(way)
  const ratios: number[] = []
  const added: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const [bareRate, berthRate] = [await rate(bare), await rate(berth)]
    ratios.push(berthRate / bareRate)
    const [bareMs, berthMs] = [await latency(bare), await latency(berth)]
    added.push(berthMs - bareMs)
    print(figureLine(`requests a second through a bare proxy, round ${round + 1}`, { value: bareRate, unit: '/s' }))
    print(figureLine('  through Berth', { value: berthRate, unit: '/s' }))
  }
  print(figureLine('requests a second, Berth to bare proxy (median)', { value: percentile(ratios, 0.5), unit: '(goal ≥ 0.7)' }))
  print(figureLine('time that Berth adds to a request (median of p50)', { value: percentile(added, 0.5), unit: 'ms', target: 1 }))
}

async function rate(way: Way): Promise<number> {
  const startedAt = performance.now()
  let left = REQUESTS
  const work = async (): Promise<void> => {
    while (left-- > 0) await ask(way)
  }
  await Promise.all(Array.from({ length: CONCURRENT }, work))
  return (REQUESTS * 1_000) / (performance.now() - startedAt)
}

/** Returns the median of requests one after the other, in milliseconds. */
async function latency(way: Way): Promise<number> {
  const samples: number[] = []
  for (let count = 0; count < ONE_BY_ONE; count++) {
    const startedAt = performance.now()
    await ask(way)
    samples.push(performance.now() - startedAt)
  }
  return percentile(samples, 0.5)
}

async function ask({ url, ...options }: Way): Promise<void> {
  const [response] = await once(request(url, options).end(), 'response')
  if (response.statusCode !== 200) throw new Error(`${url} answered ${response.statusCode}`)
  response.resume()
  await once(response, 'end')
}
