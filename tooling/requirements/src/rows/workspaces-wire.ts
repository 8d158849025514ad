import { rows } from '../row.ts'

/** The dialect of HTTP and JSON that the whole API speaks. */
export const workspacesWire = [
  ...rows(
    { section: 'workspaces §1.1' },
    {
      'wire:headers:request-id': 'Every response has X-Coder-Request-Id, a fresh UUID v4.',
      'wire:trusted-proxies': 'A proxy that is trusted says whom a request is from; nobody else does.',
      'wire:headers:build-version': 'Every response has X-Coder-Build-Version.',
      'wire:headers:csrf-cookie':
        'A request without a CSRF cookie is given one: HttpOnly, SameSite=Lax, path /; every response varies by Cookie.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.2, §1.3' },
    {
      'wire:envelope': 'A failure is `{ message, detail?, validations? }`; empty parts are left out.',
      'wire:output:document': 'A JSON answer is one compact document and a newline, as application/json; charset=utf-8.',
      'wire:output:escapes': '<, >, & and the two Unicode line separators are written as \\u escapes.',
      'wire:output:no-content': 'A 204 has no body.',
      'wire:output:times': 'Times are RFC 3339 in UTC with at most six fractional digits and no trailing zeros.',
      'wire:output:uuids': 'UUIDs are lower-case and hyphenated; an absent required one is all zeros.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.4' },
    {
      'wire:input:first-value': 'Only the first JSON value of a body is read.',
      'wire:input:content-type-ignored': 'The content type of a JSON request is not checked.',
      'wire:input:names-any-case': 'Field names match in any case; of repeated names the last wins; unknown ones are ignored.',
      'wire:input:null': 'A null field counts as absent, and a body of null as an empty object.',
      'wire:input:malformed': 'An empty, malformed or wrongly typed body is 400 with the reason in detail and no validations.',
      'wire:input:integers': 'A number with a fraction, an exponent or out of range is refused for an integer field.',
      'wire:input:uuid-spellings':
        'UUIDs are read hyphenated, as 32 digits, as urn:uuid: and in braces, in any case; an empty one is an error.',
      'wire:input:times': 'Times are read as strict RFC 3339.',
      'wire:input:bytes': 'Byte fields are read as padded base64 or as an array of numbers.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.5' },
    {
      'wire:validation:text': 'A field that breaks a rule gives one validation with the tag of the first broken rule and the value.',
      'wire:validation:order': 'Validations come in the order of the fields of the request.',
      'wire:validation:nested': 'Elements of parameter_values are not validated.',
      'wire:validation:name-rule': 'Names are 1–32 ASCII letters and digits with single hyphens between them.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.6' },
    {
      'wire:session:places': 'A session token is looked for in cookie, query, header and app cookie; the first that is not empty counts.',
      'wire:session:failures': 'A missing, malformed, unknown, wrong or expired token is 401, with its own detail each.',
      'wire:session:agent-token': 'Agent endpoints take an agent token in the same places; a missing or unknown one is 401.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.6' },
    {
      'wire:session:sliding': 'A key in use moves its own expiry and records when and from where it was used, at most hourly.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.7' },
    {
      'wire:path:uuid': 'A path parameter that is no UUID is 400 and the message names the parameter.',
      'wire:path:unknown': 'An unknown id is the generic 404, the same as one that the caller may not see.',
      'wire:path:stranger-first': 'A stranger gets 404 before the body is looked at.',
      'wire:path:user': '{user} is `me`, a UUID or a name in any case; anything else is 400.',
      'wire:path:foreign-member': 'A user who is not in the organization of the path is 404.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.8' },
    {
      'wire:rate:headers': 'Every API response states limit, remaining requests and the end of the window.',
      'wire:rate:refused': 'A request above the limit is 429 with Retry-After and the envelope.',
      'wire:rate:window': 'The window slides: the previous minute counts for the part of it that is not over.',
      'wire:rate:bypass': 'The bypass header lifts the limit for an Owner and is 428 for anyone else.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.9' },
    {
      'wire:routing:unknown': 'An unknown path below /api/v2 is 404 with the fixed message.',
      'wire:routing:method': 'A known path with another method is 405 with an empty body.',
      'wire:routing:trailing-slash': 'Collection roots answer with and without a trailing slash, leaf routes only without.',
      'wire:routing:crash': 'A crash in a handler is 500 with a fixed message and no internals.',
      'wire:routing:greeting': 'GET /api/v2 greets without a session.',
    },
  ),
  ...rows(
    { section: 'workspaces §1.11, §1.12' },
    {
      'wire:socket:refused-as-json': 'A WebSocket request that fails sign-in or access is answered as JSON before the upgrade.',
      'wire:socket:origin': 'A WebSocket with an Origin of another host is 403.',
      'wire:socket:upgrade-required': 'A WebSocket route without upgrade headers is 426.',
      'wire:paging:invalid': 'All bad paging parameters are reported together in one 400.',
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
