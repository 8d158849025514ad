import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { OrganizationParams } from './organizations.ts'
import { CreateParameterRequest } from './parameters.ts'
import { provisionerTypes } from './provisioner-jobs.ts'
import { User } from './users.ts'
import { maxLargeJsonBytes, maxLongListItems } from '../rules/field-limits.ts'
import { AnyInteger, Choice, List, MapOf, Nullable, Response, Timestamp, Uuid } from '../wire.ts'

const TransitionStats = Type.Object(
  { P50: Nullable(Type.Integer()), P95: Nullable(Type.Integer()) },
  { title: 'TransitionStats', description: 'Milliseconds. Null without data.' },
)

export const Template = Type.Object(
  {
    id: Uuid(),
    created_at: Timestamp(),
    updated_at: Timestamp(),
    organization_id: Uuid(),
    name: Type.String(),
    display_name: Type.String(),
    provisioner: Choice(provisionerTypes),
    active_version_id: Uuid({ description: 'The version that new workspaces use.' }),
    workspace_owner_count: Type.Integer({ description: 'Number of users who own a workspace of this template.' }),
    active_user_count: Type.Integer({ description: '-1 until it is known.' }),
    build_time_stats: Type.Object(
      { delete: TransitionStats, start: TransitionStats, stop: TransitionStats },
      { title: 'TemplateBuildTimeStats' },
    ),
    description: Type.String(),
    icon: Type.String(),
    default_ttl_ms: Type.Integer({ description: 'Milliseconds until a started workspace stops automatically. 0: never.' }),
    created_by_id: Uuid(),
    created_by_name: Type.String(),
    allow_user_cancel_workspace_jobs: Type.Boolean(),
  },
  { title: 'Template' },
)
export type Template = Static<typeof Template>

export const CreateTemplateRequest = Type.Object(
  {
    name: Type.String({ rules: ['required', 'template_name'] }),
    display_name: Type.Optional(Type.String({ rules: ['template_display_name'] })),
    description: Type.Optional(Type.String({ rules: ['lt=128'] })),
    icon: Type.Optional(Type.String({ maxLength: 256 })),
    template_version_id: Uuid({ rules: ['required'] }),
    parameter_values: Type.Optional(List(CreateParameterRequest, { maxItems: maxLongListItems })),
    default_ttl_ms: Type.Optional(Nullable(AnyInteger())),
    allow_user_cancel_workspace_jobs: Type.Optional(Nullable(Type.Boolean())),
  },
  { title: 'CreateTemplateRequest' },
)
export type CreateTemplateRequest = Static<typeof CreateTemplateRequest>

export const UpdateActiveTemplateVersion = Type.Object({ id: Uuid({ rules: ['required'] }) }, { title: 'UpdateActiveTemplateVersion' })
export type UpdateActiveTemplateVersion = Static<typeof UpdateActiveTemplateVersion>

/**
 * The changeable fields of a template. A missing field counts as empty, 0 or false (Coder v2 API,
 * v0.13.4).
 */
export const UpdateTemplateMeta = Type.Object(
  {
    name: Type.Optional(Type.String({ rules: ['template_name'], description: 'Empty: unchanged.' })),
    display_name: Type.Optional(Type.String({ rules: ['template_display_name'] })),
    description: Type.Optional(Type.String({ maxLength: 128, description: 'Empty: unchanged.' })),
    icon: Type.Optional(Type.String({ maxLength: 256 })),
    default_ttl_ms: Type.Optional(Nullable(AnyInteger())),
    allow_user_cancel_workspace_jobs: Type.Optional(Nullable(Type.Boolean())),
  },
  { title: 'UpdateTemplateMeta' },
)
export type UpdateTemplateMeta = Static<typeof UpdateTemplateMeta>

/** An example template that comes with Berth. */
export const TemplateExample = Type.Object(
  {
    id: Type.String({ description: 'Use it as the `example_id` of a new template version.' }),
    url: Type.String({ description: 'URL of the source.' }),
    name: Type.String(),
    description: Type.String(),
    icon: Type.String(),
    tags: Type.Array(Type.String()),
    markdown: Type.String({ description: 'The README.' }),
  },
  { title: 'TemplateExample' },
)
export type TemplateExample = Static<typeof TemplateExample>

/** Active users for each day (UTC), from the first to the last day that had any. */
export const TemplateDAUsResponse = Type.Object(
  {
    entries: Type.Array(
      Type.Object({ date: Timestamp({ description: 'Midnight, UTC.' }), amount: Type.Integer({ minimum: 0 }) }, { title: 'DAUEntry' }),
    ),
  },
  { title: 'TemplateDAUsResponse' },
)
export type TemplateDAUsResponse = Static<typeof TemplateDAUsResponse>

/** Template roles: `use` and `admin`. The empty role removes access. */
export const templateRoles = ['admin', 'use', ''] as const
export type TemplateRole = (typeof templateRoles)[number]

const RolesById = (description: string) =>
  Type.Optional(Nullable(MapOf(Choice(templateRoles), { maxProperties: maxLongListItems, keyFormat: 'uuid', description })))

/** The users and groups that a template is shared with. */
export const TemplateACL = Type.Object(
  {
    users: Type.Array(Type.Object({ ...User.properties, role: Choice(templateRoles) }, { title: 'TemplateUser' })),
    group: Type.Array(
      Type.Object(
        {
          id: Uuid({ description: "The group of all members of an organization has the organization's ID." }),
          name: Type.String(),
          organization_id: Uuid(),
          members: Type.Array(User),
          avatar_url: Type.String(),
          quota_allowance: Type.Integer(),
          role: Choice(templateRoles),
        },
        { title: 'TemplateGroup' },
      ),
    ),
  },
  { title: 'TemplateACL' },
)
export type TemplateACL = Static<typeof TemplateACL>

/** Changes to a template's access list. Users and groups that aren't named keep their role. */
export const UpdateTemplateACL = Type.Object(
  { user_perms: RolesById('Role by user ID.'), group_perms: RolesById('Role by group ID.') },
  { title: 'UpdateTemplateACL' },
)
export type UpdateTemplateACL = Static<typeof UpdateTemplateACL>

export const TemplateParams = Type.Object({ template: Uuid({ description: 'Template ID.' }) })

export const templates = {
  create: endpoint({
    method: 'POST',
    path: '/organizations/:organization/templates',
    summary: 'Create a template from a template version.',
    description: 'The version becomes the active version of the template. Names are unique in an organization: a name in use is 409.',
    access: { resource: 'template', action: 'create' },
    params: OrganizationParams,
    body: CreateTemplateRequest,
    maxBodyBytes: maxLargeJsonBytes,
    status: 201,
    response: Template,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'validation_failed', 'name_taken', 'invalid_template'],
    trailingSlash: true,
  }),
  list: endpoint({
    method: 'GET',
    path: '/organizations/:organization/templates',
    summary: 'List the templates of an organization.',
    description:
      'The template with the most active users first, then by name. A template is shared with users directly or through a group.',
    access: { resource: 'template', action: 'read', filtered: true },
    params: OrganizationParams,
    status: 200,
    response: Type.Array(Template),
    failures: ['invalid_uuid', 'not_found'],
    trailingSlash: true,
  }),
  examples: endpoint({
    method: 'GET',
    path: '/organizations/:organization/templates/examples',
    summary: 'List the example templates.',
    description: 'Pass the `id` of an example as the `example_id` of a new template version.',
    access: { resource: 'template', action: 'read' },
    params: OrganizationParams,
    status: 200,
    response: Type.Array(TemplateExample),
    failures: ['invalid_uuid', 'not_found'],
  }),
  getByName: endpoint({
    method: 'GET',
    path: '/organizations/:organization/templates/:templatename',
    summary: 'Get a template by name.',
    description: 'Names are unique in an organization. Returns the same document as the request by ID.',
    access: { resource: 'template', action: 'read' },
    params: Type.Object({ ...OrganizationParams.properties, templatename: Type.String() }),
    status: 200,
    response: Template,
    failures: ['invalid_uuid', 'not_found'],
  }),
  get: endpoint({
    method: 'GET',
    path: '/templates/:template',
    summary: 'Get a template.',
    description: 'Includes the active version, the default time until a workspace stops, and statistics about users and build times.',
    access: { resource: 'template', action: 'read' },
    params: TemplateParams,
    status: 200,
    response: Template,
    failures: ['invalid_uuid', 'not_found'],
    trailingSlash: true,
  }),
  update: endpoint({
    method: 'PATCH',
    path: '/templates/:template',
    summary: 'Update the name, description and defaults of a template.',
    description: 'Answers 304 without a body if nothing would change.',
    access: { resource: 'template', action: 'update' },
    params: TemplateParams,
    body: UpdateTemplateMeta,
    status: 200,
    alternativeStatus: 304,
    response: Template,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'validation_failed', 'invalid_template', 'name_taken'],
    trailingSlash: true,
  }),
  dailyActiveUsers: endpoint({
    method: 'GET',
    path: '/templates/:template/daus',
    summary: "Count a template's active users by day.",
    description: 'Days are in UTC, from the first to the last day on which anyone used a workspace of the template.',
    access: { resource: 'template', action: 'read' },
    params: TemplateParams,
    status: 200,
    response: TemplateDAUsResponse,
    failures: ['invalid_uuid', 'not_found'],
  }),
  accessList: endpoint({
    method: 'GET',
    path: '/templates/:template/acl',
    summary: 'List the users and groups a template is shared with.',
    description: 'The role `use` lets users create workspaces from the template; `admin` lets them change it too.',
    access: { resource: 'template', action: 'read' },
    params: TemplateParams,
    status: 200,
    response: TemplateACL,
    failures: ['invalid_uuid', 'not_found'],
  }),
  updateAccessList: endpoint({
    method: 'PATCH',
    path: '/templates/:template/acl',
    summary: "Change a template's access list.",
    description: "Users and groups that the request doesn't name keep their role. The empty role removes access.",
    access: { resource: 'template', action: 'update' },
    params: TemplateParams,
    body: UpdateTemplateACL,
    status: 200,
    response: Response,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'validation_failed'],
  }),
  delete: endpoint({
    method: 'DELETE',
    path: '/templates/:template',
    summary: 'Delete a template that has no workspaces.',
    description: 'Answers 412 while the template has workspaces.',
    access: { resource: 'template', action: 'delete' },
    params: TemplateParams,
    status: 200,
    response: Response,
    failures: ['invalid_uuid', 'not_found', 'template_in_use'],
    trailingSlash: true,
  }),
  updateActiveVersion: endpoint({
    method: 'PATCH',
    path: '/templates/:template/versions',
    summary: 'Set the version that new workspaces use.',
    description: 'The version must belong to the template. Existing workspaces keep their version and count as outdated.',
    access: { resource: 'template', action: 'update' },
    params: TemplateParams,
    body: UpdateActiveTemplateVersion,
    status: 200,
    response: Response,
    failures: ['invalid_uuid', 'not_found', 'invalid_json', 'validation_failed', 'template_version_not_found'],
    trailingSlash: true,
  }),
}
