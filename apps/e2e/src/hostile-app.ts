/** A program for a workspace: a web app that tries what it must not be able to do. */
export const hostileApp = `
import { createServer } from 'node:http'

const page = \`<!doctype html><title>hostile</title><script>
const settled = async (attempt) => { try { return await attempt() } catch (error) { return 'failed' } }
const read = async (url, options) => { const answer = await fetch(url, { credentials: 'include', ...options }); return answer.type === 'opaque' ? 'opaque' : answer.status + ' ' + (await answer.text()) }
async function attack({ main, workspace, agent }) {
  const api = main + '/api/v2'
  const build = { method: 'POST', body: JSON.stringify({ transition: 'stop' }) }
  const socket = (url) => new Promise((resolve) => { const s = new WebSocket(url); s.onopen = () => resolve('open'); s.onerror = () => resolve('failed') })
  const pty = '/api/v2/workspaceagents/' + agent + '/pty?reconnect=11111111-1111-4111-8111-111111111111'
  document.cookie = 'coder_session_token=evil; path=/'
  return {
    me: await settled(() => read(api + '/users/me')),
    meHere: await settled(() => read('/api/v2/users/me')),
    build: await settled(() => read(api + '/workspaces/' + workspace + '/builds', build)),
    blindBuild: await settled(() => read(api + '/workspaces/' + workspace + '/builds', { ...build, mode: 'no-cors' })),
    socket: await socket(main.replace('http', 'ws') + pty),
    socketHere: await socket(location.origin.replace('http', 'ws') + pty),
    cookie: document.cookie,
    seen: await settled(() => read('seen')),
  }
}
</script>\`

createServer((request, response) => {
  if (request.url.endsWith('/seen')) return response.end(request.headers.cookie ?? 'nothing')
  if (request.url.startsWith('/api/')) return response.writeHead(404).end('the app has no such page')
  response.setHeader('Set-Cookie', ['coder_session_token=evil; Path=/', 'coder_devurl_session_token=evil; Path=/', 'mine=1'])
  response.setHeader('Content-Type', 'text/html')
  response.end(page)
}).listen(Number(process.argv[2]), '127.0.0.1')
`
