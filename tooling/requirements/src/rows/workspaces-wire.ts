import { rows } from '../row.ts'

/** The conventions of HTTP and JSON that the whole API shares. */
export const workspacesWire = [
  ...rows(
    { section: 'workspaces §1.1' },
    {
      'wire:headers:request-id': 'Every response has X-Coder-Request-Id, a fresh UUID v4.',
      'wire:trusted-proxies': "Only a trusted proxy determines a request's client address.",
      'wire:headers:build-version': 'Every response has X-Coder-Build-Version.',
      'wire:headers:csrf-cookie':
        'A request without a CSRF cookie gets one: HttpOnly, SameSite=Lax, path /. Every response varies by Cookie.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.2, §1.3' },
    {
      'wire:envelope': 'A failure is `{ message, detail?, validations? }`. Empty parts are left out.',
      'storage:full': 'While the disk of the server or its database is full, writes are 507 with a message that says so. Reads go on.',
      'wire:output:document': 'A JSON answer is one compact document and a newline, as application/json; charset=utf-8.',
      'wire:output:escapes': '<, >, & and the two Unicode line separators are written as \\u escapes.',
      'wire:output:no-content': 'A 204 has no body.',
      'wire:output:times': 'Times are RFC 3339 in UTC with at most six fractional digits and no trailing zeros.',
      'wire:output:uuids': 'UUIDs are lower case with hyphens. A required UUID without a value is all zeros.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.4' },
    {
      'wire:input:first-value': 'Only the first JSON value of a body is read.',
      'wire:input:content-type-ignored': 'The content type of a JSON request is not checked.',
      'wire:input:names-any-case': 'Field names match in any case. Of duplicate names the last counts; unknown ones are ignored.',
      'wire:input:null': 'A null field counts as absent, and a null body as an empty object.',
      'wire:input:malformed': 'An empty, malformed or wrongly typed body is 400 with the reason in detail and no validations.',
      'wire:input:integers': 'An integer field refuses a number with a fraction or an exponent, or out of range.',
      'wire:input:uuid-spellings':
        'UUIDs may have hyphens, be 32 digits, start with urn:uuid: or be in braces, in any case. An empty one is an error.',
      'wire:input:times': 'Times must be strict RFC 3339.',
      'wire:input:bytes': 'Byte fields are padded base64 or an array of numbers.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.5' },
    {
      'wire:validation:text': 'An invalid field gives one validation with the tag of its first broken rule and the value.',
      'wire:validation:order': 'Validations are in the order of the fields of the request.',
      'wire:validation:nested': 'Elements of parameter_values are not validated.',
      'wire:validation:name-rule': 'Names are 1 to 32 ASCII letters and digits, with single hyphens between them.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.6' },
    {
      'wire:session:places': 'A session token is read from cookie, query, header or app cookie. The first that is not empty counts.',
      'wire:session:failures': 'A missing, malformed, unknown, wrong or expired token is 401, each with its own detail.',
      'wire:session:agent-token': 'Agent endpoints read an agent token from the same places. A missing or unknown one is 401.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.6' },
    {
      'wire:session:sliding': 'A used key extends its expiry and records time and address of its use, at most hourly.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.7' },
    {
      'wire:path:uuid': 'An invalid UUID in a path parameter is 400, and the message names the parameter.',
      'wire:path:unknown': 'An unknown ID is the generic 404, like one that the caller may not see.',
      'wire:path:stranger-first': 'A caller without access gets 404 before the body is read.',
      'wire:path:user': '{user} is `me`, a UUID or a name in any case. Anything else is 400.',
      'wire:path:foreign-member': "A user who isn't a member of the path's organization is 404.",
    },
  ),
  ...rows(
    { section: 'workspaces §1.8' },
    {
      'wire:rate:headers': 'Every API response states the limit, the remaining requests and the end of the window.',
      'wire:rate:refused': 'A request above the limit is 429, with Retry-After and the usual error body.',
      'wire:rate:window': 'The window slides: the previous minute counts in proportion to its overlap with the window.',
      'wire:rate:bypass': 'The bypass header lifts the limit for an owner and is 428 for anyone else.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.9' },
    {
      'wire:routing:unknown': 'An unknown path below /api/v2 is 404 with the fixed message.',
      'wire:routing:method': 'A known path with another method is 405 with an empty body.',
      'wire:routing:trailing-slash': 'Collections answer with and without a trailing slash, other routes only without.',
      'wire:routing:crash': 'A crash in a handler is 500 with a fixed message and no internals.',
      'wire:routing:unknown-page': 'An unknown path outside /api/v2 is 404 with a short text; the root greets.',
      'wire:routing:greeting': 'GET /api/v2 returns a greeting without a session.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.11, §1.12' },
    {
      'wire:socket:refused-as-json': 'If sign-in or access fails, a WebSocket request is answered as JSON before the upgrade.',
      'wire:socket:origin': 'A WebSocket request with the Origin of another host is 403.',
      'wire:socket:upgrade-required': 'A WebSocket route without upgrade headers is 426.',
      'wire:paging:invalid': 'All invalid paging parameters are reported together in one 400.',
      'wire:paging:defaults': 'Empty paging values count as absent, and limit 0 as no limit.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.11' },
    {
      'wire:socket:ping': 'The server pings an open WebSocket every 15 seconds and closes it with 1009 on an oversized message.',
    },
  ),
]
