import { rows } from '../row.ts'

/** The nine endpoints of the workspace API. */
export const workspacesEndpoints = [
  ...rows(
    { section: 'workspaces §15.1' },
    {
      'workspaces:get:initiator': "A new workspace's latest build names its creator as initiator and `initiator` as reason.",
      'workspaces:get:deleted': 'A deleted workspace reads as 410 by id, and as itself with include_deleted=true.',
      'workspaces:rename:free-and-taken': "A rename to a free name shows; a rename to another workspace's name is 409.",
      'workspaces:get:template-fields': "A workspace carries its template's name, icon, display name and cancel flag.",
    },
  ),
  ...rows(
    { section: 'workspaces §15.1' },
    {
      'workspaces:get:live-with-include-deleted': 'A live workspace reads as itself with include_deleted=true.',
      'workspaces:list:other-organization': 'An Owner of another organization lists the workspace; a plain member of another one does not.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.2' },
    {
      'workspaces:create:unknown-template': 'A template id that does not exist is 400.',
      'workspaces:create:taken-name': 'The same name a second time is 409, in any case.',
      'workspaces:create:template-ttl': "Without ttl_ms a workspace takes the template's default; an explicit value wins.",
      'workspaces:create:short-ttl': 'A ttl_ms below one minute is 400 with one validation on ttl_ms.',
      'workspaces:create:failed-version': 'A template whose active version failed to import is 412.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.2' },
    {
      'workspaces:create:foreign-template': 'A template of another organization is 401, also for an Owner.',
      'workspaces:create:audit': 'A created workspace adds exactly one audit entry, action create.',
      'workspaces:create:deleted-template': 'A deleted template is 404.',
      'workspaces:create:zero-ttl': 'Default 0 and ttl_ms 0 leave ttl_ms out of the answer.',
      'workspaces:create:template-access-list': 'A caller outside the access list of a template can neither read it nor create from it.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.3' },
    {
      'workspaces:by-name:signed-out': 'Without a session the answer is 401, also for a name that does not exist.',
      'workspaces:by-name:me': 'An existing name of `me` is 200.',
      'workspaces:by-name:deleted':
        'A deleted name is 404, and 200 with include_deleted; a new workspace of that name hides the deleted one.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.3' },
    {
      'workspaces:by-name:newest-deleted': 'Of several deleted workspaces of one name the youngest is read.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.4' },
    {
      'workspaces:list:name-substring':
        'The name filter matches the whole name or a part of it, and text that occurs nowhere finds nothing.',
      'workspaces:list:template': 'The template filter keeps the workspaces of that template.',
      'workspaces:list:status': 'status:running keeps the running workspaces only.',
      'workspaces:list:paging': 'limit and offset cut the list; an offset at its end gives an empty one.',
      'workspaces:list:deleted-left-out': 'A deleted workspace is not listed.',
      'workspaces:list:owner-me': 'owner:me lists the workspaces of the caller only.',
      'workspaces:list:search-grammar':
        'The search text is read as free words, keys, quoted values and owner/name pairs, with the exact errors.',
      'workspaces:list:paging-parameters': 'Bogus paging parameters are 400 with the fixed text; valid and empty ones are read.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.4' },
    {
      'workspaces:list:owner-and-name': '`template:<t> <owner>/<name>` finds exactly that workspace.',
      'workspaces:list:has-agent': 'has-agent finds workspaces by the state of their agents, connecting, connected and timeout.',
      'workspaces:list:any-case': 'Owner and template filters ignore case, and several filters narrow together.',
      'workspaces:list:inactivity-timeout': 'has-agent uses the inactivity timeout of the deployment.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.10' },
    {
      'workspaces:autostart:clears-on-empty': 'An empty schedule is 204 and removes the field.',
      'workspaces:autostart:stored-verbatim': 'A valid schedule with its zone is stored as it was sent.',
      'workspaces:autostart:next-occurrence': 'The next start is the next matching minute of the week in the zone of the schedule.',
      'workspaces:autostart:across-dst': 'A daily schedule keeps its wall-clock time across both changes of summer time.',
      'workspaces:autostart:exact-errors': 'An unknown zone, text that is no schedule and too few fields give the exact details.',
      'workspaces:autostart:unknown-workspace': 'An unknown workspace is the generic 404.',
      'workspaces:autostart:grammar':
        'Minute lists, ranges, steps and weekdays are read; day of month, month and zone Local are refused by exact errors.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.10' },
    {
      'workspaces:autostart:audit': 'A changed schedule adds one audit entry, action write.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.11' },
    {
      'workspaces:ttl:null-clears': "null removes the ttl and does not fall back to the template's default.",
      'workspaces:ttl:stored': 'One minute, twelve hours and seven days are stored.',
      'workspaces:ttl:bounds': 'Less than a minute and more than seven days are refused with the texts of the bounds.',
      'workspaces:ttl:unknown-workspace': 'An unknown workspace is the generic 404.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.11' },
    {
      'workspaces:ttl:audit': 'Each changed ttl adds one audit entry, action write.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.12' },
    {
      'workspaces:extend:moves-deadline': 'A running workspace gets the deadline that was asked for.',
      'workspaces:extend:zero-time': 'The zero time is 400 with a validation on deadline.',
      'workspaces:extend:too-soon': 'A deadline less than half an hour away is 400 with the exact message.',
      'workspaces:extend:half-an-hour': 'A deadline of exactly half an hour from now passes.',
      'workspaces:extend:earlier': 'A deadline earlier than the present one is stored.',
    },
  ),
  ...rows(
    { section: 'workspaces §5.10' },
    {
      'workspaces:watch:ping-first':
        'The stream opens with a ping once changes are being listened for, and has the headers of an event stream.',
      'workspaces:watch:changes-in-order': 'A start shows build created, job acquired, job completed and agent connected, in that order.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.13' },
    {
      'workspaces:watch:no-data-before-change': 'No data event arrives before the first change.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.13' },
    {
      'workspaces:watch:survives-deletion': 'The stream goes on after the workspace is deleted.',
      'workspaces:watch:every-trigger':
        'Builds, jobs, agent timeouts, connects, disconnects, cancels, renames and a new active version each give an event.',
    },
  ),
]
