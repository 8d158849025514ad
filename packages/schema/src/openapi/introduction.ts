import { eventPingIntervalMs } from '../rules/event-stream.ts'

/** The introduction of the API reference, in Markdown. */
export const introduction = `Berth speaks the Coder v2 HTTP API as of v0.13.4. The page at \`/docs\` of a server shows this reference.

## Versions

The version of a server has two parts. In \`v0.13.4+berth.0.1.0\`, \`v0.13.4\` is the version of the API and \`0.1.0\` the version of Berth. \`GET /buildinfo\` returns it. Operations marked "Berth only" are not part of the Coder v2 API.

## Authentication

Send a session token or an API token in the header \`Coder-Session-Token\`. \`POST /users/login\` returns a session token and also sets it as the cookie \`coder_session_token\`. Requests that change something and authenticate by cookie must come from a page of the deployment. Workspace agents send their own token in the same header. Without a valid token the answer is 401.

## Errors

A failure answers with a JSON object: \`message\` is for people, \`detail\` helps with debugging, and each entry of \`validations\` names a field of the request and what is wrong with it. A resource that the caller may not see is usually 404, so that nobody learns what exists.

## Paging and search

Lists with pages take \`limit\`, \`offset\` and \`after_id\`. A \`count\` is the number of matches on all pages. A search query \`q\` holds words separated by spaces, each of them \`key:value\` or a bare word. Put a value with spaces in double quotes.

## Streaming

The watch of a workspace is a stream of server-sent events, with a ping every ${eventPingIntervalMs / 1000} seconds. Logs, terminals and tunnels use WebSockets, which answer 101. The server checks sign-in and access before it accepts a WebSocket, and refuses it with a JSON failure.

## Rate limits

The headers \`X-RateLimit-Limit\`, \`X-RateLimit-Remaining\` and \`X-RateLimit-Reset\` state the limit of the caller. Beyond it the answer is 429, and \`Retry-After\` says how many seconds to wait.`
