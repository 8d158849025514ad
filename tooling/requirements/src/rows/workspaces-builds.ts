import { rows } from '../row.ts'

/** Builds: creating, reading, canceling, logs, and what a job's times say about its status. */
export const workspacesBuilds = [
  ...rows(
    { section: 'workspaces §15.5' },
    {
      'builds:create:unknown-version': 'An unknown template_version_id is 400.',
      'builds:create:active': 'A build while another one is active is 409.',
      'builds:create:next-number': 'A new build has the number after the previous one.',
      'builds:create:delete': 'A delete build has the next number, and when it has completed the workspace leaves the list.',
      'builds:create:state-by-member': 'Plain members who pass state on their own workspace get 403.',
      'builds:create:state-and-orphan': 'State together with orphan is 400.',
      'builds:create:orphan': 'Orphan alone on a delete build succeeds, and the workspace is gone.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.5' },
    {
      'builds:create:state-kept': 'State that an Owner passes is what the state endpoint returns.',
      'builds:create:state-on-delete': 'An Owner may pass state on a delete build.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.6' },
    {
      'builds:get:by-id-and-number': 'A build is read by its id and by user, workspace name and number.',
      'builds:get:bad-number': 'A number that is none is 400 with the exact message.',
      'builds:get:unknown-workspace': 'A number of an unknown workspace is the generic 404.',
      'builds:get:missing-number': 'A number that does not exist is 404 with the exact message.',
      'builds:list:new-workspace': 'A new workspace has one build, number 1, with the name of its initiator; since cuts by time.',
      'builds:list:unknown-cursor': 'An unknown after_id is 400.',
      'builds:list:paging': 'Builds come newest first, and limit and offset cut them.',
      'builds:resources:order': "Resources keep the provisioner's order and carry their own agents.",
      'builds:status:walk': 'The status goes from pending to running, stopped, canceled and deleted with the builds.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.6' },
    {
      'builds:state:readable': 'The state that the provisioner returned is readable.',
      'builds:list:deleted-initiator': 'A build still names its initiator after that user was deleted.',
      'builds:status:audit': 'A stop build adds one audit entry, action stop.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.7' },
    {
      'builds:cancel:running': 'A running build that is canceled is 200 and reads as canceling, without an error.',
      'builds:cancel:not-allowed': "Plain members cannot cancel where the template doesn't allow it: 403.",
    },
  ),
  ...rows(
    { section: 'workspaces §6.4' },
    {
      'builds:cancel:ended': 'Canceling a build that has completed or was canceled before is 412.',
      'builds:cancel:pending': 'A pending build that is canceled is canceled at once, and the workspace can be built again.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.8' },
    {
      'builds:logs:follow-running': 'Following a running build brings its lines as they come, and the stream ends with the job.',
      'builds:logs:follow-completed': 'Following a completed build brings all lines and ends.',
      'builds:logs:plain': 'A plain read of a completed build gives its lines in order.',
    },
  ),
  ...rows(
    { section: 'workspaces §15.9' },
    {
      'builds:job-status:derived': "A job's status follows from its times and its error.",
    },
  ),
]
