import type { Selectable } from 'kysely'
import type {
  FilesTable,
  GroupsTable,
  OrganizationMembersTable,
  OrganizationsTable,
  ProvisionerJobsTable,
  TemplatesTable,
  TemplateVersionsTable,
  UsersTable,
  WorkspaceAgentsTable,
  WorkspaceBuildsTable,
  WorkspacesTable,
} from './tables.gen.ts'

export type MemberRow = Selectable<OrganizationMembersTable>
export type GroupRow = Selectable<GroupsTable>
export type OrganizationRow = Selectable<OrganizationsTable>
export type UserRow = Selectable<UsersTable> & { readonly organization_ids: string[] }
/** A file without its bytes. */
export type FileRow = Omit<Selectable<FilesTable>, 'data'>
export type TemplateRow = Selectable<TemplatesTable>
export type TemplateVersionRow = Selectable<TemplateVersionsTable>
export type WorkspaceRow = Selectable<WorkspacesTable>
/** A build without its provisioner state. */
export type BuildRow = Omit<Selectable<WorkspaceBuildsTable>, 'provisioner_state'>
export type AgentRow = Selectable<WorkspaceAgentsTable>
export type JobRow = Selectable<ProvisionerJobsTable>
