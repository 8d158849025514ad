/**
 * Every failure the API can answer with: code, HTTP status, default message.
 *
 * Messages marked "exact" in the Coder v2 API (v0.13.4) are reproduced; the others are worded by us. An endpoint lists the
 * codes it can answer with; a failure that names something (a template, a status) carries its own message.
 * @module
 */

/** Code → HTTP status and the message used when the failure does not bring one of its own. */
export const failures = {
  invalid_json: { status: 400, message: 'Request body must be valid JSON.' },
  validation_failed: { status: 400, message: 'Validation failed.' },
  invalid_query: { status: 400, message: 'Query parameters have invalid values.' },
  invalid_search: { status: 400, message: 'Invalid workspace search query.' },
  invalid_user_search: { status: 400, message: 'Invalid user search query.' },
  invalid_url: { status: 400, message: 'The path is not percent-encoded correctly.' },
  invalid_uuid: { status: 400, message: 'Invalid UUID.' },
  invalid_user: { status: 400, message: '"user" must be an existing uuid or username.' },
  invalid_password: { status: 400, message: 'Invalid password.' },
  invalid_roles: { status: 400, message: 'The roles cannot be set.' },
  invalid_status_change: { status: 400, message: 'The status of the user cannot be changed.' },
  invalid_token_lifetime: { status: 400, message: 'Failed to validate the lifetime of the token.' },
  invalid_authorization_check: { status: 400, message: 'Invalid authorization check.' },
  last_owner: { status: 400, message: 'The user is the last active owner. Make somebody else an owner first.' },
  invalid_build_number: { status: 400, message: 'Failed to parse build number as integer.' },
  invalid_content_type: { status: 400, message: 'The content type of the upload is not supported.' },
  invalid_schedule: { status: 400, message: 'Invalid autostart schedule.' },
  invalid_ttl: { status: 400, message: 'Invalid workspace time until shutdown.' },
  invalid_deadline: { status: 400, message: 'Cannot extend workspace: new deadline must be at least 30 minutes in the future' },
  invalid_agent_request: { status: 400, message: 'The agent sent something that cannot be accepted.' },
  invalid_template: { status: 400, message: 'Invalid create template request.' },
  invalid_build: { status: 400, message: 'Invalid build request.' },
  invalid_group: { status: 400, message: 'Invalid group request.' },
  template_not_found: { status: 400, message: 'Template not found.' },
  template_version_not_found: { status: 400, message: 'Template version not found.' },
  cursor_not_found: { status: 400, message: 'The record that "after_id" names does not exist.' },
  agent_not_of_workspace: { status: 400, message: 'The agent does not belong to a workspace.' },
  invalid_redirect_uri: { status: 400, message: 'The query parameter "redirect_uri" is not the address of an app.' },
  invalid_external_sign_in: { status: 400, message: 'The answer of the sign-in provider cannot be used.' },
  invalid_instance_identity: { status: 400, message: 'The identity of the machine cannot be read.' },
  agent_outdated: { status: 400, message: 'The agent is not of the newest build of its workspace.' },
  signed_out: { status: 401, message: 'You are signed out or your session has expired. Please sign in again to continue.' },
  user_not_active: { status: 401, message: 'User is not active. Contact an admin to reactivate your account.' },
  incorrect_login: { status: 401, message: 'Incorrect email or password.' },
  external_sign_in_refused: { status: 401, message: 'The sign-in was refused.' },
  session_not_renewed: { status: 401, message: 'Could not refresh expired Oauth token.' },
  instance_identity_refused: { status: 401, message: 'The identity of the machine could not be verified.' },
  agent_unauthorized: { status: 401, message: 'The agent token is missing or not known.' },
  template_of_other_organization: { status: 401, message: 'The template belongs to another organization.' },
  forbidden: { status: 403, message: 'Forbidden.' },
  external_sign_in_forbidden: { status: 403, message: 'You may not sign in.' },
  incorrect_login_type: { status: 403, message: 'Incorrect login type.' },
  custom_state_forbidden: { status: 403, message: 'Only those who can update the template may provide state or orphan a workspace.' },
  cancel_forbidden: { status: 403, message: 'You may not cancel builds of this template.' },
  build_outdated: { status: 403, message: 'The agent is not of the newest build of its workspace.' },
  origin_forbidden: { status: 403, message: 'The request comes from another site.' },
  not_found: { status: 404, message: 'Resource not found or you do not have access to this resource' },
  route_not_found: { status: 404, message: 'Route not found.' },
  first_user_missing: { status: 404, message: 'The initial user has not been created!' },
  build_not_found: { status: 404, message: 'The build does not exist.' },
  instance_identity_disabled: { status: 404, message: 'This deployment does not accept the identity of such machines.' },
  agent_not_found: { status: 404, message: 'Agent does not exist.' },
  template_deleted: { status: 404, message: 'The template has been deleted.' },
  file_not_found: { status: 404, message: 'File not found.' },
  organization_not_found: { status: 404, message: 'Organization does not exist.' },
  git_auth_provider_missing: { status: 404, message: 'No git provider is configured for this URL.' },
  app_not_found: { status: 404, message: 'The app does not belong to this agent or has no health check.' },
  workspace_deleted_rename: { status: 405, message: 'The workspace is deleted and cannot be renamed.' },
  template_version_importing: { status: 406, message: 'The template version is still being imported.' },
  first_user_exists: { status: 409, message: 'The initial user has already been created.' },
  group_exists: { status: 409, message: 'A group of that name exists already.' },
  user_exists: { status: 409, message: 'User already exists.' },
  name_taken: { status: 409, message: 'The name is already in use.' },
  browser_only: { status: 409, message: 'Workspaces of this deployment are reached by browser only.' },
  build_active: { status: 409, message: 'A workspace build is already active.' },
  workspace_not_extendable: { status: 409, message: 'The workspace cannot be extended now.' },
  workspace_gone: { status: 410, message: 'The workspace is deleted.' },
  template_version_failed: { status: 412, message: 'The template version could not be imported.' },
  job_completed: { status: 412, message: 'Job has already completed!' },
  job_canceled: { status: 412, message: 'Job has already been marked as canceled!' },
  job_not_completed: { status: 412, message: "Job hasn't completed!" },
  group_member_missing: { status: 412, message: 'The user does not belong to the group.' },
  template_in_use: { status: 412, message: 'All workspaces must be deleted before a template can be removed.' },
  user_owns_workspaces: { status: 417, message: 'The user still owns workspaces. Delete them first.' },
  upgrade_required: { status: 426, message: 'This endpoint speaks WebSocket.' },
  external_sign_in_unverified: { status: 428, message: 'The address is not verified.' },
  external_sign_in_unavailable: { status: 428, message: 'oauth2 method requested is not configured' },
  agent_not_connected: { status: 428, message: 'The agent is not connected.' },
  bypass_forbidden: { status: 428, message: 'Only owners may bypass the rate limit.' },
  rate_limited: { status: 429, message: "You've been rate limited for sending too many requests." },
  external_sign_in_failed: { status: 500, message: 'The sign-in provider did not answer as it should.' },
  git_auth_failed: { status: 500, message: 'The git token could not be validated.' },
  agent_without_workspace: { status: 500, message: 'The agent belongs to no workspace.' },
  internal: { status: 500, message: 'An internal server error occurred.' },
  unavailable: { status: 503, message: 'The server cannot reach its database right now. Try again in a few seconds.' },
} as const satisfies Record<string, { status: number; message: string }>

/** The stable name of a failure. */
export type FailureCode = keyof typeof failures

/** One field of a request that was refused, and why. */
export interface Validation {
  readonly field: string
  readonly detail: string
}

/** What a failure may say beyond its code. */
export interface FailureOptions {
  /** Replaces the default message of the code. */
  readonly message?: string
  readonly detail?: string
  readonly validations?: readonly Validation[]
  readonly cause?: unknown
}

const brand = Symbol.for('@berth/schema/Failure')

/** A failure that the caller is meant to see. Anything else that a server throws becomes a bare 500. */
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

  /** True for failures of any copy of this package. */
  static is(value: unknown): value is Failure {
    return typeof value === 'object' && value !== null && brand in value
  }
}
