import { rows } from '../row.ts'

/** Where the published page and the reference disagree, and where Berth chooses to differ from both. */
export const rulings = [
  ...rows(
    { section: 'rulings: page and reference' },
    {
      'rulings:create-answers-201': 'Creating a workspace answers 201, not 200.',
      'rulings:list-parameters-and-search':
        'The five query parameters, q, limit, offset and after_id are all read and narrow the list together.',
      'rulings:list-owner-me': '`owner=me` is the caller.',
      'rulings:list-unknown-status-parameter':
        'A status or has_agent parameter outside its enumeration is 400 with a validation on that parameter.',
      'rulings:list-unknown-status-in-q': 'An unknown status inside `q` is ignored.',
      'rulings:list-status-starting': '`status=starting` is accepted.',
      'rulings:deadline-is-time-or-null': '`latest_build.deadline` is a time or null.',
    },
  ),
  ...rows(
    { section: 'rulings: page and reference' },
    {
      'rulings:status-deleting-and-deleted': 'The status filters `deleting` and `deleted` mean what they say.',
      'rulings:include-deleted': 'A deleted workspace is 410 by id and 404 by name unless include_deleted is set.',
    },
  ),
  ...rows(
    { section: 'rulings: differences by choice' },
    {
      'rulings:cookie-writes-same-origin':
        'A write that authenticates by cookie needs a same-origin Origin, Sec-Fetch-Site: same-origin or a CSRF token.',
      'rulings:header-writes-exempt': 'A write that authenticates by header needs no Origin and no CSRF token.',
      'rulings:tokens-not-logged': 'A session token given in a query string never reaches a log.',
      'rulings:login-tells-nothing': 'An unknown e-mail address and a wrong password have the same status and body.',
      'rulings:canceled-pending-job-never-runs': 'A job canceled before it started is never acquired.',
      'rulings:silent-worker-fails-job':
        'A job whose worker went silent is failed in the database with a reason, its log stream ends, and its workspace is usable again.',
      'rulings:restart-recovers-jobs': 'A server that starts finishes or fails the jobs that its predecessor left behind.',
      'rulings:empty-list-is-array': 'An empty list is `[]`, never null.',
      'rulings:orphan-needs-delete': 'A build with `orphan` and a transition other than delete is 400.',
      'rulings:transition-create-refused': 'A build with the transition `create` is 400.',
      'rulings:negative-paging': 'A negative limit or offset is 400.',
      'rulings:count-past-the-end': '`count` is the number of matches, also when the offset lies past the end.',
      'rulings:watch-announces-every-change':
        'Watchers hear of every visible change, creation, ttl and autostart included, in the order of the changes.',
      'rulings:rate-limit-by-user': 'Requests of a signed-in caller are counted by user, all others by address.',
    },
  ),
  ...rows(
    { section: 'rulings: differences by choice' },
    {
      'rulings:after-id': '`after_id` names the cursor: what follows it in the order of the list.',
      'rulings:logs-before': '`before` selects log lines with a smaller id.',
      'rulings:watch-activity-bump': 'Watchers hear of a deadline that activity has moved.',
    },
  ),
  ...rows(
    { section: 'rulings: differences by choice' },
    {
      'rulings:keys-of-inactive-users': "A deleted user's and a suspended user's keys stop working at once.",
      'rulings:keys-by-own-path': "A key is read and deleted only through its own user's path.",
      'rulings:tokens-of-that-user': "Listing a user's tokens lists that user's tokens only.",
      'rulings:login-time': 'An unknown e-mail address and a wrong password take the same time.',
      'rulings:password-length': 'Passwords obey the length rule wherever they are set.',
      'rulings:last-owner': 'The last owner cannot be deleted, suspended or stripped of the role.',
      'users:delete-owner': 'A user admin cannot delete an owner: 403.',
      'rulings:free-features': 'Audit log, quotas, groups, template access lists, external daemons and replicas need no licence.',
      'rulings:entitlements': '/entitlements reports every feature as entitled and enabled.',
    },
  ),
]
