import type { EndpointGroup, ParameterNames, api } from '@berth/schema'
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
import type { Intersection } from '../http/serve.ts'

/** The rows that the finder of each path parameter hands to the handler. */
export interface FoundByPath {
  readonly organization: { readonly organization: OrganizationRow }
  readonly group: { readonly group: GroupRow }
  readonly groupname: { readonly group: GroupRow }
  readonly organizationname: { readonly organization: OrganizationRow }
  readonly user: { readonly user: UserRow }
  readonly file: { readonly file: FileRow }
  readonly template: { readonly template: TemplateRow }
  readonly templatename: { readonly template: TemplateRow }
  /** A version may not belong to a template yet. */
  readonly templateversion: { readonly templateversion: TemplateVersionRow; readonly template: TemplateRow | undefined }
  /** A version of the template to the left or, without one, of any template in the organization. */
  readonly templateversionname: FoundByPath['templateversion']
  readonly parameterscope: { readonly scope: ValueOwner['scope'] }
  /** What the values belong to, with the rows that decide who may read and change them. */
  readonly scoped: {
    readonly owner: ValueOwner
    readonly workspace?: WorkspaceRow
    readonly template?: TemplateRow | undefined
    readonly templateversion?: TemplateVersionRow
  }
  readonly dryrun: { readonly dryrun: JobRow }
  /** The view is loaded for the endpoint that shows it. */
  readonly workspace: { readonly workspace: WorkspaceRow; readonly workspaceView?: WorkspaceView }
  readonly workspacename: { readonly workspace: WorkspaceRow }
  readonly workspacebuild: { readonly workspacebuild: BuildRow; readonly workspace: WorkspaceRow }
  readonly workspaceagent: { readonly workspaceagent: AgentRow; readonly workspace: WorkspaceRow }
}

type PathsOf<Group extends EndpointGroup> = Group[keyof Group]['path']
type ApiPath = { [Noun in keyof typeof api]: PathsOf<(typeof api)[Noun]> }[keyof typeof api]

/** The part of a path before one of its parameters; `never` for a path without that parameter. */
type PathBefore<Path extends string, Name extends string> = Path extends `${infer Left}:${Name}/${string}`
  ? Left
  : Path extends `${infer Left}:${Name}`
    ? Left
    : never

/**
 * Whether paths have `Other` before `Name`: `true` if every path with `Name` has, `boolean` if some
 * have, `false` if none has.
 */
type IsBefore<Other extends string, Name extends string, Path extends string = PathBefore<ApiPath, Name>> = Path extends string
  ? Other extends ParameterNames<Path>
    ? true
    : false
  : never

type Before<Name extends string, Answer> = {
  [Other in keyof FoundByPath]: [Answer] extends [IsBefore<Other, Name>]
    ? [IsBefore<Other, Name>] extends [Answer]
      ? Other
      : never
    : never
}[keyof FoundByPath]

type RowsOf<Names extends keyof FoundByPath> = [Names] extends [never] ? unknown : Intersection<FoundByPath[Names]>

/**
 * The rows found for the parameters that the API's paths have to the left of one. Rows that only
 * some of the paths have are optional.
 */
export type FoundBefore<Name extends keyof FoundByPath> = RowsOf<Before<Name, true>> & Partial<RowsOf<Before<Name, boolean>>>
