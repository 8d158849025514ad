/**
 * Every failure of the API: code, HTTP status and default message.
 *
 * Texts that the wire fixes are reproduced (Coder v2 API, v0.13.4); the others are Berth's.
 * Endpoints list the codes they can answer with. A failure about a particular thing brings its own
 * message.
 * @module
 */

/** HTTP status and default message by code. */
export const failures = {
  invalid_json: { status: 400, message: 'Request body must be valid JSON.' },
  body_too_large: { status: 413, message: 'Request body is too large.' },
  validation_failed: { status: 400, message: 'Validation failed.' },
  invalid_query: { status: 400, message: 'Query parameters have invalid values.' },
  invalid_search: { status: 400, message: 'Invalid workspace search query.' },
  invalid_user_search: { status: 400, message: 'Invalid user search query.' },
  invalid_url: { status: 400, message: 'The path is not percent-encoded correctly. Write a literal "%" as "%25".' },
  invalid_uuid: { status: 400, message: 'Invalid UUID.' },
  invalid_user: { status: 400, message: '"user" must be an existing uuid or username.' },
  invalid_password: { status: 400, message: 'Invalid password.' },
  invalid_roles: { status: 400, message: 'The user cannot have these roles.' },
  invalid_status_change: { status: 400, message: 'The status of this user cannot be changed.' },
  invalid_token_lifetime: { status: 400, message: 'Invalid token lifetime.' },
  invalid_authorization_check: { status: 400, message: 'Invalid authorization check.' },
  last_owner: { status: 400, message: 'The user is the last active owner. Make another user an owner first.' },
  invalid_build_number: { status: 400, message: 'Failed to parse build number as integer.' },
  invalid_content_type: { status: 400, message: 'The content type is not supported. Upload a tar archive as "application/x-tar".' },
  invalid_schedule: { status: 400, message: 'Invalid autostart schedule.' },
  invalid_ttl: { status: 400, message: 'Invalid workspace time until shutdown.' },
  invalid_deadline: { status: 400, message: 'Cannot extend workspace: new deadline must be at least 30 minutes in the future' },
  invalid_path: { status: 400, message: 'The path cannot be used.' },
  invalid_command: { status: 400, message: 'The command cannot be started.' },
  invalid_agent_request: { status: 400, message: "The agent's request is invalid." },
  invalid_template: { status: 400, message: 'Invalid create template request.' },
  invalid_build: { status: 400, message: 'Invalid build request.' },
  invalid_group: { status: 400, message: 'Invalid group request.' },
  template_not_found: { status: 400, message: 'Template not found.' },
  template_version_not_found: { status: 400, message: 'Template version not found.' },
  cursor_not_found: { status: 400, message: 'The record that "after_id" names does not exist. Start again from the first page.' },
  agent_not_of_workspace: { status: 400, message: 'The agent belongs to a template import or a dry run, not to a workspace.' },
  invalid_redirect_uri: { status: 400, message: 'The query parameter "redirect_uri" is not the URL of an app on this deployment.' },
  invalid_external_sign_in: { status: 400, message: "The sign-in provider's answer is invalid. Sign in again." },
  invalid_instance_identity: { status: 400, message: "The machine's identity document cannot be read." },
  invalid_port: { status: 400, message: 'The port must be a number from 9 to 65535.' },
  agent_outdated: { status: 400, message: "The machine does not belong to the workspace's latest build." },
  signed_out: { status: 401, message: 'You are signed out or your session has expired. Please sign in again to continue.' },
  user_not_active: { status: 401, message: 'User is not active. Contact an admin to reactivate your account.' },
  incorrect_login: { status: 401, message: 'Incorrect email or password.' },
  external_sign_in_refused: { status: 401, message: 'The sign-in was refused. Ask an administrator for access.' },
  session_not_renewed: { status: 401, message: 'Could not refresh expired Oauth token.' },
  instance_identity_refused: { status: 401, message: "The machine's identity could not be verified." },
  agent_unauthorized: { status: 401, message: 'The agent token is missing or invalid. Restart the workspace to get a new one.' },
  template_of_other_organization: { status: 401, message: 'The template belongs to another organization. Choose a template of this one.' },
  forbidden: { status: 403, message: 'Forbidden.' },
  external_sign_in_forbidden: { status: 403, message: 'You are not allowed to sign in. Ask an administrator for an account.' },
  incorrect_login_type: { status: 403, message: 'Incorrect login type.' },
  custom_state_forbidden: {
    status: 403,
    message: 'Only users who can update the template may set the provisioner state or orphan a workspace.',
  },
  path_forbidden: { status: 403, message: "The workspace's user has no permission for this path." },
  cancel_forbidden: { status: 403, message: 'This template does not let users cancel builds. Ask an owner to cancel it.' },
  build_outdated: { status: 403, message: "The agent does not belong to the workspace's latest build." },
  origin_forbidden: {
    status: 403,
    message:
      'The request comes from another site. Send it from a page of this deployment, or authenticate with the header "Coder-Session-Token".',
  },
  file_quota_exceeded: { status: 403, message: 'You have uploaded too many files that no template version uses.' },
  not_found: { status: 404, message: 'Resource not found or you do not have access to this resource' },
  route_not_found: { status: 404, message: 'Route not found.' },
  first_user_missing: { status: 404, message: 'The first user has not been created yet. Create it with POST /api/v2/users/first.' },
  build_not_found: { status: 404, message: 'The build does not exist.' },
  instance_identity_disabled: {
    status: 404,
    message: 'This deployment does not accept machine identities of this cloud. Ask an administrator to enable it.',
  },
  agent_not_found: { status: 404, message: 'The agent does not exist.' },
  template_deleted: { status: 404, message: 'The template has been deleted. Choose another one.' },
  file_not_found: { status: 404, message: 'File not found. Upload it with POST /api/v2/files first.' },
  path_not_found: { status: 404, message: 'There is no file or folder at this path.' },
  process_not_found: { status: 404, message: 'There is no process with this ID. It may have ended long ago.' },
  organization_not_found: { status: 404, message: 'Organization does not exist.' },
  git_auth_provider_missing: { status: 404, message: 'No git provider is configured for this URL. Ask an administrator to add one.' },
  app_not_found: { status: 404, message: 'The app does not belong to this agent or has no health check.' },
  workspace_deleted_rename: { status: 405, message: 'The workspace is deleted and cannot be renamed.' },
  template_version_importing: {
    status: 406,
    message: 'The template version is still being imported. Try again when the import has finished.',
  },
  first_user_exists: { status: 409, message: 'The initial user has already been created.' },
  group_exists: { status: 409, message: 'A group with this name already exists. Choose another name.' },
  user_exists: { status: 409, message: 'User already exists.' },
  name_taken: { status: 409, message: 'The name is already in use. Choose another one.' },
  path_conflict: { status: 409, message: 'Something at this path is in the way.' },
  browser_only: { status: 409, message: 'This deployment only allows connections to workspaces from a browser.' },
  agent_without_coordination: {
    status: 409,
    message: 'The workspace runs Berth\'s agent, which this program cannot reach. Use "berth ssh".',
  },
  agent_not_current: {
    status: 409,
    message: "The agent does not belong to the workspace's latest build, so its ports can't be shared. Use the agent of the latest build.",
  },
  build_active: { status: 409, message: 'A workspace build is already active. Wait until it ends, or cancel it.' },
  workspace_not_extendable: { status: 409, message: 'The workspace cannot be extended. It must be running and have a deadline.' },
  workspace_gone: { status: 410, message: 'The workspace has been deleted.' },
  template_version_failed: { status: 412, message: 'The import of the template version failed. Choose another version.' },
  job_completed: { status: 412, message: 'The job has already completed.' },
  job_canceled: { status: 412, message: 'The job is already being canceled.' },
  job_not_completed: { status: 412, message: 'The job has not completed yet. Try again when it has.' },
  group_member_exists: { status: 412, message: 'The user is already a member of the group.' },
  group_member_missing: { status: 412, message: 'The user is not a member of the group.' },
  template_in_use: { status: 412, message: 'The template still has workspaces. Delete them first.' },
  user_owns_workspaces: { status: 417, message: 'The user still owns workspaces. Delete them first.' },
  upgrade_required: { status: 426, message: 'This endpoint only accepts WebSocket connections.' },
  external_sign_in_unverified: {
    status: 428,
    message: 'The e-mail address is not verified. Verify it at the sign-in provider, then sign in again.',
  },
  external_sign_in_unavailable: { status: 428, message: 'oauth2 method requested is not configured' },
  agent_not_connected: { status: 428, message: 'The agent is not connected. Start the workspace, or wait until the agent connects.' },
  bypass_forbidden: { status: 428, message: 'Only owners may bypass the rate limit.' },
  rate_limited: { status: 429, message: "You've been rate limited for sending too many requests. Wait before you send more." },
  workspace_busy: { status: 429, message: 'The workspace has too much of this kind open. End some of it, then try again.' },
  external_sign_in_failed: { status: 500, message: 'The sign-in provider gave an unexpected answer. Try again later.' },
  git_auth_failed: { status: 500, message: 'The git provider could not validate the token. Try again later.' },
  agent_without_workspace: { status: 500, message: "The agent's workspace does not exist." },
  internal: { status: 500, message: 'An internal server error occurred.' },
  agent_failed: {
    status: 502,
    message: 'The agent did not answer as it should. Try again, or restart the workspace if the error persists.',
  },
  unavailable: { status: 503, message: 'The server cannot reach its database right now. Try again in a few seconds.' },
  workspace_storage_full: { status: 507, message: 'The disk of the workspace is full. Free some space in it, then try again.' },
  storage_full: {
    status: 507,
    message: 'The disk of the server or of its database is full. Ask an administrator to free some space, then try again.',
  },
} as const satisfies Record<string, { status: number; message: string }>

/** The code of a failure. */
export type FailureCode = keyof typeof failures

/** An invalid field of a request. */
export interface Validation {
  readonly field: string
  readonly detail: string
}

/** Details of a failure. */
export interface FailureOptions {
  /** Replaces the default message. */
  readonly message?: string
  readonly detail?: string
  readonly validations?: readonly Validation[]
  readonly cause?: unknown
}

const brand = Symbol.for('@berth/schema/Failure')

/** A failure that the caller may see. Any other error becomes a bare 500. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: FailureCode
  readonly detail: string | undefined
  readonly validations: readonly Validation[] | undefined
  readonly [brand] = true

  constructor(code: FailureCode, options: FailureOptions = {}) {
    super(options.message ?? failures[code].message, { cause: options.cause })
    this.code = code
    this.detail = options.detail
    this.validations = options.validations
  }

  get status(): number {
    return failures[this.code].status
  }

  /** Whether a value is a Failure, from any copy of this package. */
  static is(value: unknown): value is Failure {
    return typeof value === 'object' && value !== null && brand in value
  }
}
