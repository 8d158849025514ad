// A fake agent for tests: it reports what it was given and starts stubborn processes. Its orders
// are in the home directory.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, readlinkSync, renameSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { connect } from 'node:net'
import { join } from 'node:path'

const { HOME, BERTH_AGENT_NAME, BERTH_WORKSPACE_ID } = process.env
const ordersPath = join(HOME, 'orders.json')
const orders = existsSync(ordersPath) ? JSON.parse(readFileSync(ordersPath, 'utf8')) : {}

/** Returns what the workspace can see of a path. */
function look(path) {
  try {
    return readdirSync(path)
  } catch (error) {
    if (error.code !== 'ENOTDIR') return error.code
  }
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    return error.code
  }
}

/** Returns whether a host answers at a port. */
async function reaches([host, port]) {
  const socket = connect({ host, port, timeout: 2_000 })
  try {
    return await new Promise((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('timeout', () => resolve(false))
      socket.once('error', () => resolve(false))
    })
  } finally {
    socket.destroy()
  }
}

// All processes end within two minutes, so that a failed test leaves nothing running.
const stay = `: ${BERTH_WORKSPACE_ID}; trap '' TERM HUP INT; i=0; while [ $i -lt 600 ]; do sleep 0.2; i=$((i+1)); done`
// This process replaces itself every 50 ms: it starts one successor and ends, so there are at most
// two.
const hop = `: ${BERTH_WORKSPACE_ID}; trap '' TERM; hop() { sleep 0.05; [ $1 -lt 1200 ] || exit 0; hop $(($1+1)) & exit 0; }; hop 0`
const stubborn = {
  child: ['/bin/sh', '-c', stay],
  session: ['setsid', '/bin/sh', '-c', stay],
  daemon: ['env', '-i', 'setsid', '-f', '/bin/sh', '-c', stay],
  stranger: ['env', '-i', 'setsid', '-f', '/bin/sh', '-c', `cd /; ${stay}`],
  stopped: ['/bin/sh', '-c', 'kill -STOP $$; exit'],
  hopping: ['/bin/sh', '-c', hop],
}
for (const kind of orders.stubborn ?? []) {
  const [command, ...rest] = stubborn[kind]
  spawn(command, rest, { stdio: 'ignore' }).unref()
}
// The sleeps inherit that signals are ignored.
if (orders.crowd) {
  const crowd = `: ${BERTH_WORKSPACE_ID}; trap '' TERM HUP; i=0; while [ $i -lt ${orders.crowd} ]; do ${orders.crowdCommand ?? ''} sleep 120 & i=$((i+1)); done; wait`
  spawn('/bin/sh', ['-c', crowd], { stdio: 'ignore' }).unref()
}
if (orders.bomb) {
  const bomb = `: ${BERTH_WORKSPACE_ID}; trap '' TERM; end=$(($(date +%s)+60)); bomb() { [ $(date +%s) -lt $end ] || exit; bomb | bomb & bomb; }; bomb`
  spawn('/bin/bash', ['-c', bomb], { stdio: 'ignore' }).unref()
}
if (orders.ignoreTerm) process.on('SIGTERM', () => {})

const descriptors = readdirSync('/proc/self/fd').flatMap((name) => {
  try {
    return [[Number(name), readlinkSync(`/proc/self/fd/${name}`)]]
  } catch {
    return []
  }
})
// Reads what the shell was given: `ls` lists the descriptors of its parent.
const inherited = execFileSync('/bin/sh', ['-c', 'ls /proc/$$/fd; :']).toString().trim().split('\n').map(Number)
const report = {
  pid: process.pid,
  ids: [process.getuid(), process.geteuid(), process.getgid(), process.getegid()],
  groups: process.getgroups(),
  cwd: process.cwd(),
  env: process.env,
  descriptors,
  inherited,
  limits: readFileSync('/proc/self/limits', 'utf8'),
  hostname: hostname(),
  status: readFileSync('/proc/self/status', 'utf8'),
  reached: await Promise.all((orders.reach ?? []).map(reaches)),
  looks: Object.fromEntries((orders.look ?? []).map((path) => [path, look(path)])),
}
const reportPath = join(HOME, `report-${BERTH_AGENT_NAME}.json`)
writeFileSync(`${reportPath}.half`, JSON.stringify(report))
renameSync(`${reportPath}.half`, reportPath)
setInterval(() => {}, 1_000)
