import { rows } from '../row.ts'

/**
 * Decisions where the published page and the reference disagree, and where Berth differs from both
 * on purpose.
 */
export const rulings = [
  ...rows(
    { section: 'rulings: page and reference' },
    {
      'rulings:create-answers-201': 'Creating a workspace answers 201, not 200.',
      'rulings:list-parameters-and-search': 'The five query parameters, `q`, `limit`, `offset` and `after_id` narrow the list together.',
      'rulings:list-owner-me': '`owner=me` selects the workspaces of the caller.',
      'rulings:list-unknown-status-parameter':
        'A value of `status` or `has_agent` outside its enumeration is 400 with a validation on that parameter.',
      'rulings:list-unknown-status-in-q': 'An unknown status inside `q` is ignored.',
      'rulings:list-status-starting': '`status=starting` is accepted.',
      'rulings:deadline-is-time-or-null': '`latest_build.deadline` is a time or null.',
    },
  ),
  ...rows(
    { section: 'rulings: page and reference' },
    {
      'rulings:status-deleting-and-deleted': 'The status filters `deleting` and `deleted` match exactly those statuses.',
      'rulings:include-deleted': 'Without include_deleted, a deleted workspace is 410 by ID and 404 by name.',
    },
  ),
  ...rows(
    { section: 'rulings: differences by choice' },
    {
      'rulings:cookie-writes-same-origin':
        'A write authenticated by cookie needs a same-origin Origin header, Sec-Fetch-Site: same-origin or a CSRF token.',
      'rulings:sign-in-same-origin':
        "A page of another site can neither sign its visitor in nor create the first user, whatever the body's type. Programs, which send no Origin, can.",
      'rulings:header-writes-exempt': 'A write authenticated by header needs neither an Origin header nor a CSRF token.',
      'rulings:tokens-not-logged': 'A session token in a query string never appears in a log.',
      'rulings:login-tells-nothing': 'An unknown e-mail address and a wrong password get the same status and body.',
      'rulings:canceled-pending-job-never-runs': 'A job that is canceled before it starts is never acquired.',
      'rulings:silent-worker-fails-job':
        'A job whose worker goes silent fails in the database with a reason, its log stream ends, and its workspace is usable again.',
      'rulings:restart-recovers-jobs': 'A starting server finishes or fails the jobs that its predecessor left.',
      'rulings:empty-list-is-array': 'An empty list is `[]`, never null.',
      'rulings:orphan-needs-delete': 'A build with `orphan` and a transition other than delete is 400.',
      'rulings:transition-create-refused': 'A build with the transition `create` is 400.',
      'rulings:negative-paging': 'A negative limit or offset is 400.',
      'rulings:count-past-the-end': '`count` is the number of matches, even if the offset is past the end.',
      'rulings:watch-announces-every-change':
        'Watchers get every visible change in order, including creation and changes of the ttl and the autostart schedule.',
      'rulings:rate-limit-by-user':
        'Requests of a signed-in caller count per user, also on endpoints for anyone. All others, and signing in, count per address.',
    },
  ),
  ...rows(
    { section: 'rulings: differences by choice' },
    {
      'rulings:after-id': '`after_id` is a cursor: the page starts after that record in the order of the list.',
      'rulings:logs-before': '`before` selects log entries with a smaller ID.',
      'rulings:watch-activity-bump': 'Watchers get the new deadline when activity extends it.',
    },
  ),
  ...rows(
    { section: 'rulings: differences by choice' },
    {
      'rulings:keys-of-inactive-users': 'Keys of deleted and suspended users stop working at once.',
      'rulings:keys-by-own-path': "A key can only be read and deleted through its own user's path.",
      'rulings:tokens-of-that-user': "Listing a user's tokens returns only that user's tokens.",
      'rulings:login-time': 'An unknown e-mail address and a wrong password take the same time.',
      'rulings:password-length': 'The length rule applies wherever a password is set.',
      'rulings:last-owner': 'The last owner cannot be deleted, suspended or stripped of the role.',
      'users:delete-owner': 'A user admin cannot delete an owner: 403.',
      'rulings:free-features': 'The audit log, quotas, groups and template access lists need no license.',
      'rulings:entitlements':
        '/entitlements lists every feature. One that the server has is entitled, and enabled if its setting is on. One that it lacks is neither: SCIM, external daemons, the list of replicas, a limit of users.',
    },
  ),
]
