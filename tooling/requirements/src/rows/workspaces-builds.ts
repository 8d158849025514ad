import { rows } from '../row.ts'

/** Builds: creating, reading, canceling, logs and the status of jobs. */
export const workspacesBuilds = [
  ...rows(
    { section: 'workspaces §15.5' },
    {
      'builds:create:unknown-version': 'An unknown template_version_id is 400.',
      'builds:create:active': 'A build while another is active is 409.',
      'builds:create:next-number': "A new build's number follows the previous one's.",
      'builds:create:delete': 'A delete build has the next number. When it completes, the workspace leaves the list.',
      'builds:create:state-by-member': 'A plain member who passes state for their own workspace gets 403.',
      'builds:create:state-and-orphan': 'State together with orphan is 400.',
      'builds:create:orphan': 'Orphan alone on a delete build succeeds, and the workspace is gone.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.5' },
    {
      'builds:create:state-kept': 'The state endpoint returns the state that an owner passed.',
      'builds:create:state-on-delete': 'An owner can pass state on a delete build.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.6' },
    {
      'builds:get:by-id-and-number': 'A build can be read by its ID, and by user, workspace name and number.',
      'builds:get:bad-number': 'An invalid number is 400 with the exact message.',
      'builds:get:unknown-workspace': 'A number in an unknown workspace is the generic 404.',
      'builds:get:missing-number': 'A number that does not exist is 404 with the exact message.',
      'builds:list:new-workspace': "A new workspace has one build, number 1, with its initiator's name. `since` filters by time.",
      'builds:list:unknown-cursor': 'An unknown after_id is 400.',
      'builds:list:paging': 'Builds are listed newest first, and paged by limit and offset.',
      'builds:resources:order': "Resources keep the provisioner's order and have their own agents.",
      'builds:status:walk': 'The status goes through pending, running, stopped, canceled and deleted with the builds.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.6' },
    {
      'builds:state:readable': 'The state returned by the provisioner can be read.',
      'builds:list:deleted-initiator': 'A build still shows its initiator after that user is deleted.',
      'builds:status:audit': 'A stop build adds one audit entry, with action stop.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.7' },
    {
      'builds:cancel:running': 'Canceling a running build is 200. The build then shows canceling, without an error.',
      'builds:cancel:not-allowed': "A plain member cannot cancel if the template doesn't allow it: 403.",
    },
  ),
  ...rows(
    { section: 'workspaces §6.4' },
    {
      'builds:cancel:ended': 'Canceling a completed or already canceled build is 412.',
      'builds:cancel:pending': 'A pending build is canceled at once, and the workspace can be built again.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.8' },
    {
      'builds:logs:follow-running': 'Following a running build streams its entries as they arrive, and ends with the job.',
      'builds:logs:follow-completed': 'Following a completed build returns all entries and ends.',
      'builds:logs:plain': 'Reading the logs of a completed build returns its entries in order.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.9' },
    {
      'builds:job-status:derived': "A job's status follows from its timestamps and its error.",
    },
  ),
]
