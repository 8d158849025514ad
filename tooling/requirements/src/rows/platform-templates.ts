import { rows } from '../row.ts'

/** Files, templates, template versions and parameters. */
export const platformTemplates = [
  ...rows(
    { section: 'platform §9.3' },
    {
      'templates:get': 'A created template can be read.',
      'templates:create': 'A created template has the given name and description.',
      'templates:create-taken': 'A name that is in use is 409.',
      'templates:create-signed-out': 'Without a session the answer is 401.',
      'templates:create-unknown-version': 'An unknown version is 404.',
      'templates:list': 'The list of templates is an array, empty at first, that contains created templates.',
      'templates:by-name': 'A template can be read by name. An unknown name is 404.',
      'templates:ttl-on-create': 'A negative default_ttl_ms is 400, and 0 is stored.',
    },
  ),
  ...rows(
    { section: 'platform §9.3' },
    {
      'templates:owner-count': 'A template counts the owners of its workspaces, except deleted workspaces.',
      'templates:audit': 'Creating a template adds the audit entries version create, version write and template create.',
      'templates:update': 'All fields of a template can be changed, and the change is audited.',
      'templates:update-ttl': 'default_ttl_ms can be set to 0. A negative value is refused and changes nothing.',
      'templates:update-same': 'An update that changes nothing is 304.',
      'templates:update-huge-ttl': 'A very large negative default_ttl_ms gives one validation.',
      'templates:update-icon': 'An empty icon clears it.',
      'templates:update-omitted': 'An update clears omitted fields, except name and description.',
      'templates:update-taken': 'An update to the name of another template is 409.',
      'templates:delete': 'A template without workspaces can be deleted; one with a workspace is 412.',
      'templates:metrics': 'A template shows how many active users it has and how long its starts take.',
      'templates:daily-users': 'Active users are counted by day. Days without any in between are 0.',
      'templates:list-order': 'Templates are sorted by number of active users, most first, then by name.',
    },
  ),
  ...rows(
    { section: 'platform §9.4' },
    {
      'versions:get': 'A version can be read, and by members once it belongs to a template.',
      'versions:create-unknown': 'An unknown template or file is 404.',
      'versions:create-name': 'A version keeps its name and has the organization tag.',
      'versions:unfinished': 'Resources of an unfinished import are 412.',
      'versions:resources': 'Resources are listed twice, for start and for stop, with their agents.',
      'versions:logs': 'The log stream ends when the job ends.',
      'versions:promote': 'A version of the template can become active. An unknown version is 404, one of another template 400.',
    },
  ),
  ...rows(
    { section: 'platform §6.5' },
    {
      'versions:import-stages': 'The logs of an import have the exact stage names.',
      'versions:missing-parameter': 'A parameter without a value fails the import with `missing parameter: <name>`.',
      'builds:stages': 'The logs of a workspace build have the exact stage names.',
      'versions:archive-escape': 'An archive with an entry outside its folder fails the job.',
      'versions:archive-headers': 'An archive whose extended headers would take long to read fails the job.',
    },
  ),
  ...rows(
    { section: 'platform §6.10' },
    {
      'echo:answers': 'The echo provisioner replays parse, plan and apply from the files of the archive.',
      'echo:hangs': 'An archive with only log entries keeps the job running until it is canceled.',
    },
  ),
  ...rows(
    { section: 'platform §9.4' },
    {
      'versions:example': 'A version can be created from an example. An unknown example, and an example together with a file, is an error.',
      'versions:cancel': 'A version can be canceled once, and only while its job runs.',
      'versions:schema': 'A schema with a condition lists the allowed values.',
      'versions:parameters': 'Parameter values are the defaults, in the order of the schemas.',
      'versions:list': 'Versions can be listed by template and read by name.',
      'versions:dry-run': 'A dry run plans the resources, can be canceled, and needs a completed import.',
      'versions:dry-run-stages': 'The logs of a dry run have the exact stage names.',
      'versions:dry-run-values': 'Values given to a dry run replace the defaults for that dry run only.',
      'versions:dry-run-access':
        "A dry run needs permission to read the template, else 404. A job that isn't a dry run, or belongs to another version or user, is 403.",
      'versions:paging': 'Versions can be paged by limit, offset and cursor.',
      'versions:by-organization': 'A version can be read by organization and name.',
      'versions:by-organization-access': 'By organization and name, only versions of templates that the caller may read are found.',
      'versions:previous': 'The previous version belongs to the same template. Without one the answer is 404.',
      'versions:examples-list': 'The examples are listed.',
    },
  ),
  ...rows(
    { section: 'platform §4.14' },
    {
      'template-access:everyone': 'A template is shared with everyone in its organization until that is removed.',
      'template-access:roles': 'With the role use, a user can read a template and create workspaces from it; with admin, also change it.',
      'template-access:groups': "A group's role on a template applies to its members.",
      'template-access:unknown': 'Unknown users, groups and roles are 400.',
      'template-access:recorded': "Each change of a template's access list is audited, and concurrent changes lose nothing.",
    },
  ),
  ...rows(
    { section: 'platform §9.9' },
    {
      'files:upload': 'A tar archive is stored. The same archive again gives the same file. Another content type is refused.',
      'files:download': 'An uploaded file is returned byte for byte. An unknown one is 404.',
    },
  ),
  ...rows(
    { section: 'platform §9.10' },
    {
      'parameters:stored': 'Parameters can be created, listed and deleted. An unknown scope is 400, a duplicate name 409.',
      'parameters:spelling': 'An unknown scope and an invalid ID are 400, and the answer names them.',
      'parameters:scoped-resource': 'Parameters of an unknown resource are 404.',
      'parameters:request': 'A parameter needs a name, a value and known schemes.',
      'parameters:access': 'Listing parameters needs permission to read the resource they belong to, changing them to update it.',
      'parameters:recorded': 'A change of a parameter value is audited without the value.',
      'parameters:kept': 'A build that would change an immutable parameter is 400 and names it.',
      'parameters:kept-default': 'An immutable parameter keeps the default that the workspace was created with.',
    },
  ),
  ...rows(
    { section: 'platform §0.5' },
    {
      'templates:name-required': 'An empty template name is reported as missing.',
      'versions:missing-source': 'A missing file or example is reported with its zero value: the nil UUID or an empty text.',
    },
  ),
  ...rows({ section: 'platform §0.7' }, { 'paging:nil-cursor': 'An `after_id` that is the nil UUID counts as absent.' }),
  ...rows(
    { section: 'platform §4.6' },
    { 'parameters:unvalidated': "Values sent with a template or a version are not validated. If one can't be stored, the error names it." },
  ),
  ...rows(
    { section: 'platform §4.7' },
    { 'versions:previous-creator': "A previous version shows the named version's creator as its own." },
  ),
  ...rows(
    { section: 'platform §4.8' },
    {
      'versions:schema-no-choice': 'A schema whose condition allows nothing has no list of values.',
      'versions:default-ids': 'A default value has its own ID.',
    },
  ),
  ...rows({ section: 'platform §4.9' }, { 'versions:log-bounds': 'A log bound that is not an integer is 400 with `Must be an integer`.' }),
  ...rows(
    { section: 'platform §4.11' },
    { 'versions:dry-run-unvalidated': 'A dry run accepts any name and any values. Of several values for one name the last counts.' },
  ),
  ...rows(
    { section: 'platform §4.12' },
    { 'parameters:copy-from': 'A parameter may name another to copy from, which has no effect. An invalid UUID is 400.' },
  ),
  ...rows(
    { section: 'platform §5' },
    {
      'templates:column-limits':
        'A template description above 128 characters and an icon above 256 are 400, and the answer names the field.',
      'parameters:name-limit': 'A parameter name above 64 characters is refused and named.',
      'versions:resource-limits': 'A resource name above 64 or a type above 192 characters fails the import, and the error names it.',
    },
  ),
  ...rows(
    { section: 'platform §9.12', due: 'Terraform' },
    {
      'terraform:parse': 'Variables, defaults, conditions and syntax errors are read from Terraform sources.',
      'terraform:provision': "Plans and applies return resources, logs and errors as listed, without leaking the host's environment.",
      'terraform:resources': 'Agents, apps, metadata and instance types are found in the graph.',
    },
  ),
]
