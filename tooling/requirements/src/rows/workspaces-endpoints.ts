import { rows } from '../row.ts'

/** The nine endpoints of the workspace API. */
export const workspacesEndpoints = [
  ...rows(
    { section: 'workspaces §15.1' },
    {
      'workspaces:get:initiator': "A new workspace's latest build has its creator as initiator, and `initiator` as reason.",
      'workspaces:get:deleted': 'A deleted workspace is 410 by ID, and is returned with include_deleted=true.',
      'workspaces:rename:free-and-taken': "A rename to a free name takes effect; a rename to another workspace's name is 409.",
      'workspaces:get:template-fields': "A workspace has its template's name, icon, display name and cancel flag.",
    },
  ),
  ...rows(
    { section: 'workspaces §15.1' },
    {
      'workspaces:get:live-with-include-deleted': 'A workspace that is not deleted is returned with include_deleted=true.',
      'workspaces:list:other-organization': 'An owner in another organization lists the workspace; a plain member of another one does not.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.2' },
    {
      'workspaces:create:unknown-template': 'An unknown template ID is 400.',
      'workspaces:create:taken-name': 'A name that is already taken is 409, in any case.',
      'workspaces:create:template-ttl': "Without ttl_ms a workspace gets the template's default; an explicit value takes precedence.",
      'workspaces:create:short-ttl': 'A ttl_ms below one minute is 400 with one validation on ttl_ms.',
      'workspaces:create:failed-version': 'A template whose active version failed to import is 412.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.2' },
    {
      'workspaces:create:foreign-template': 'A template of another organization is 401, even for an owner.',
      'workspaces:create:audit': 'Creating a workspace adds exactly one audit entry, with action create.',
      'workspaces:create:deleted-template': 'A deleted template is 404.',
      'workspaces:create:zero-ttl': 'With a default of 0 and ttl_ms 0, the answer has no ttl_ms.',
      'workspaces:create:template-access-list':
        "A caller who is not on a template's access list can neither read it nor create a workspace from it.",
    },
  ),
  ...rows(
    { section: 'workspaces §15.3' },
    {
      'workspaces:by-name:signed-out': 'Without a session the answer is 401, even for an unknown name.',
      'workspaces:by-name:me': 'An existing workspace of `me` is 200.',
      'workspaces:by-name:deleted':
        'The name of a deleted workspace is 404, and 200 with include_deleted. A new workspace of that name hides the deleted one.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.3' },
    {
      'workspaces:by-name:newest-deleted': 'Of several deleted workspaces with one name, the newest is returned.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.4' },
    {
      'workspaces:list:name-substring': 'The name filter matches any part of the name. Text that occurs nowhere matches nothing.',
      'workspaces:list:template': 'The template filter selects the workspaces of that template.',
      'workspaces:list:status': 'status:running selects only running workspaces.',
      'workspaces:list:paging': 'limit and offset select a page. An offset at the end gives an empty one.',
      'workspaces:list:deleted-left-out': 'A deleted workspace is not listed.',
      'workspaces:list:owner-me': "owner:me lists only the caller's workspaces.",
      'workspaces:list:search-grammar':
        'The search text consists of bare words, keys, quoted values and owner/name pairs, with the exact errors.',
      'workspaces:list:paging-parameters': 'Invalid paging parameters are 400 with the fixed text. Valid and empty ones are read.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.4' },
    {
      'workspaces:list:owner-and-name': '`template:<t> <owner>/<name>` finds exactly that workspace.',
      'workspaces:list:has-agent': 'has-agent selects workspaces by the status of their agents: connecting, connected, timeout.',
      'workspaces:list:any-case': 'Owner and template filters ignore case, and several filters narrow the list together.',
      'workspaces:list:inactivity-timeout': "has-agent uses the deployment's inactivity timeout.",
    },
  ),
  ...rows(
    { section: 'workspaces §15.10' },
    {
      'workspaces:autostart:clears-on-empty': 'An empty schedule is 204 and removes the field.',
      'workspaces:autostart:stored-verbatim': 'A valid schedule is stored exactly as sent, including its zone.',
      'workspaces:autostart:next-occurrence': "The next start is the next matching minute of the week in the schedule's zone.",
      'workspaces:autostart:across-dst': 'A daily schedule keeps its wall-clock time across both changes to and from daylight saving time.',
      'workspaces:autostart:exact-errors': 'An unknown zone, text that is not a schedule and too few fields have the exact details.',
      'workspaces:autostart:unknown-workspace': 'An unknown workspace is the generic 404.',
      'workspaces:autostart:grammar':
        'Minute lists, ranges, steps and weekdays are read. A day of month, a month and zone Local are refused with the exact errors.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.10' },
    {
      'workspaces:autostart:audit': 'Changing a schedule adds one audit entry, with action write.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.11' },
    {
      'workspaces:ttl:null-clears': "null removes the ttl; the template's default does not apply.",
      'workspaces:ttl:stored': 'One minute, twelve hours and seven days are stored.',
      'workspaces:ttl:bounds': 'A ttl below one minute or above seven days is refused with the exact text.',
      'workspaces:ttl:unknown-workspace': 'An unknown workspace is the generic 404.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.11' },
    {
      'workspaces:ttl:audit': 'Each change of a ttl adds one audit entry, with action write.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.12' },
    {
      'workspaces:extend:moves-deadline': 'A running workspace gets the requested deadline.',
      'workspaces:extend:zero-time': 'The zero time is 400 with a validation on deadline.',
      'workspaces:extend:too-soon': 'A deadline less than half an hour ahead is 400 with the exact message.',
      'workspaces:extend:half-an-hour': 'A deadline exactly half an hour ahead is accepted.',
      'workspaces:extend:earlier': 'A deadline earlier than the current one is stored.',
    },
  ),
  ...rows(
    { section: 'workspaces §5.10' },
    {
      'workspaces:watch:ping-first':
        'The stream has the headers of an event stream and opens with a ping once the server listens for changes.',
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
      'workspaces:watch:survives-deletion': 'The stream continues after the workspace is deleted.',
      'workspaces:watch:every-trigger':
        'Builds, jobs, agent timeouts, connects, disconnects, cancels, renames and a new active version each send an event.',
    },
  ),
]
