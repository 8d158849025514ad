import type {
  AgentRow,
  BuildRow,
  FileRow,
  GroupRow,
  JobRow,
  OrganizationRow,
  TemplateRow,
  TemplateVersionRow,
  UserRow,
  WorkspaceRow,
} from '../database/rows.ts'
import type { ValueOwner } from '../features/parameters/service.ts'
import type { WorkspaceView } from '../features/workspaces/service.ts'

/** What each path parameter stands for: the rows that its finder hands to the handler. */
export interface FoundByPath {
  readonly organization: { readonly organization: OrganizationRow }
  readonly group: { readonly group: GroupRow }
  readonly groupname: { readonly group: GroupRow }
  readonly organizationname: { readonly organization: OrganizationRow }
  readonly user: { readonly user: UserRow }
  readonly file: { readonly file: FileRow }
  readonly template: { readonly template: TemplateRow }
  readonly templatename: { readonly template: TemplateRow }
  /** A version may belong to no template yet. */
  readonly templateversion: { readonly templateversion: TemplateVersionRow; readonly template: TemplateRow | undefined }
  /** Of the template before it in the path, or else of any in the organization before it. */
  readonly templateversionname: FoundByPath['templateversion']
  readonly parameterscope: { readonly scope: ValueOwner['scope'] }
  /** Of the scope before it. Whether somebody may read or change its values depends on the rows that come with it. */
  readonly scoped: {
    readonly owner: ValueOwner
    readonly workspace?: WorkspaceRow
    readonly template?: TemplateRow | undefined
    readonly templateversion?: TemplateVersionRow
  }
  readonly dryrun: { readonly dryrun: JobRow }
  /** With all that is shown of it, where the endpoint shows it. */
  readonly workspace: { readonly workspace: WorkspaceRow; readonly workspaceView?: WorkspaceView }
  readonly workspacename: { readonly workspace: WorkspaceRow }
  readonly workspacebuild: { readonly workspacebuild: BuildRow; readonly workspace: WorkspaceRow }
  readonly workspaceagent: { readonly workspaceagent: AgentRow; readonly workspace: WorkspaceRow }
}
