import { rows } from '../row.ts'

/** Files, templates, template versions and parameters. */
export const platformTemplates = [
  ...rows(
    { section: 'platform §9.3' },
    {
      'templates:get': 'A created template is readable.',
      'templates:create': 'A created template has the name and description that were sent.',
      'templates:create-taken': 'A name that is in use is 409.',
      'templates:create-signed-out': 'Without a session the answer is 401.',
      'templates:create-unknown-version': 'An unknown version is 404.',
      'templates:list': 'The list of templates is an array, empty at first, and holds what was created.',
      'templates:by-name': 'A template is found by name; an unknown name is 404.',
      'templates:ttl-on-create': 'A negative default_ttl_ms is 400, and 0 is stored.',
    },
  ),
  ...rows(
    { section: 'platform §9.3' },
    {
      'templates:owner-count': 'A template counts the owners of its workspaces that are not deleted.',
      'templates:audit': 'Creating a template leaves the entries version create, version write and template create.',
      'templates:update': 'All fields of a template can be changed, and the change is audited.',
      'templates:update-ttl': 'default_ttl_ms can be set to 0; a negative one is refused and changes nothing.',
      'templates:update-same': 'An update that changes nothing is 304.',
      'templates:update-huge-ttl': 'A hugely negative default_ttl_ms gives one validation.',
      'templates:update-icon': 'An empty icon clears it.',
      'templates:update-omitted': 'What an update leaves out is cleared, except for name and description.',
      'templates:update-taken': 'An update to the name of another template is 409.',
      'templates:delete': 'A template without workspaces is deleted; one with a workspace is 412.',
      'templates:metrics': 'A template counts its active users and its start times.',
      'templates:daily-users': 'Active users are counted by day; days between with nobody are 0.',
      'templates:list-order': 'The list has the templates with the most active users first, then goes by name.',
    },
  ),
  ...rows(
    { section: 'platform §9.4' },
    {
      'versions:get': 'A version is readable, by a member once it belongs to a template.',
      'versions:create-unknown': 'An unknown template or file is 404.',
      'versions:create-name': 'A version keeps its name and carries the organization tag.',
      'versions:unfinished': 'Resources of an import that is not completed are 412.',
      'versions:resources': 'Resources come twice, for start and for stop, with their agents.',
      'versions:logs': 'The log stream ends by itself when the job has ended.',
      'versions:promote': 'A version of the template becomes active; an unknown one is 404, a foreign one 400.',
    },
  ),
  ...rows(
    { section: 'platform §6.5' },
    {
      'versions:import-stages': 'An import logs its stages by their exact labels.',
      'versions:missing-parameter': 'A parameter without a value fails the import with `missing parameter: <name>`.',
      'builds:stages': 'A workspace build logs its stages by their exact labels.',
      'versions:archive-escape': 'An archive whose entry would land outside the folder fails the job.',
    },
  ),
  ...rows(
    { section: 'platform §6.10' },
    {
      'echo:answers': 'The echo provisioner answers parse, plan and apply from the files of the archive.',
      'echo:hangs': 'An archive with only log lines keeps the job running until it is canceled.',
    },
  ),
  ...rows(
    { section: 'platform §9.4' },
    {
      'versions:example': 'An example makes a version; an unknown one, and one beside a file, is an error.',
      'versions:cancel': 'Canceling works once and only while the job runs.',
      'versions:schema': 'A schema with a condition lists the values it allows.',
      'versions:parameters': 'Defaults are the values, in the order of the schemas.',
      'versions:list': 'Versions are listed by template and found by name.',
      'versions:dry-run': 'A dry run plans the resources, can be canceled, and needs a completed import.',
      'versions:dry-run-stages': 'The log of a dry run has its stages by their exact labels.',
      'versions:dry-run-values': 'Values given to a dry run replace the defaults, for it alone.',
      'versions:dry-run-access':
        'A dry run takes reading the template (404); a job that is none, of another version or of somebody else is 403.',
      'versions:paging': 'Versions page by limit, offset and cursor.',
      'versions:by-organization': 'A version is found by organization and name.',
      'versions:by-organization-access': 'By organization and name only versions are found whose template the caller may read.',
      'versions:previous': 'The previous version is of the same template, or 404.',
      'versions:examples-list': 'The examples are listed.',
    },
  ),
  ...rows(
    { section: 'platform §4.14' },
    {
      'template-access:everyone': 'A template is shared with everybody in its organization until that is taken away.',
      'template-access:roles': 'Who has the role use may read a template and make workspaces of it; who has admin may change it.',
      'template-access:groups': 'A group shares what it was given with its members.',
      'template-access:unknown': 'Unknown people, groups and roles are 400.',
      'template-access:recorded': 'Each change of whom a template is shared with is recorded, and none is lost to another.',
    },
  ),
  ...rows(
    { section: 'platform §9.9' },
    {
      'files:upload': 'A tar is stored; the same again gives the same file; another content type is refused.',
      'files:download': 'An uploaded file is read back byte for byte; an unknown one is 404.',
    },
  ),
  ...rows(
    { section: 'platform §9.10' },
    {
      'parameters:stored': 'Parameters are created, listed and deleted; an unknown scope is 400, a repeated name 409.',
      'parameters:spelling': 'An unknown scope is 400 and named, and so is an id that is none.',
      'parameters:scoped-resource': 'Values of something that does not exist are 404.',
      'parameters:request': 'A value needs a name, a value and known schemes.',
      'parameters:access': 'Listing takes reading what has the values, changing them takes updating it.',
      'parameters:recorded': 'A change of a value is recorded without the value.',
      'parameters:kept': 'A build that would change a parameter which is not mutable is 400 and names it.',
      'parameters:kept-default': 'A parameter which is not mutable keeps the default that the workspace was created with.',
    },
  ),
  ...rows(
    { section: 'platform §0.5' },
    {
      'templates:name-required': 'An empty template name is reported as missing.',
      'versions:missing-source': 'A file or example that is missing is reported with the zero value of its type: the nil UUID, or no text.',
    },
  ),
  ...rows({ section: 'platform §0.7' }, { 'paging:nil-cursor': 'An `after_id` that is the nil UUID is the same as none.' }),
  ...rows(
    { section: 'platform §4.6' },
    { 'parameters:unvalidated': 'Values that come with a template or a version are not validated; what cannot be stored is named.' },
  ),
  ...rows(
    { section: 'platform §4.7' },
    { 'versions:previous-creator': 'A previous version is shown as created by the creator of the named one.' },
  ),
  ...rows(
    { section: 'platform §4.8' },
    {
      'versions:schema-no-choice': 'A schema whose condition allows nothing has no list of values.',
      'versions:default-ids': 'A value that is a default has an ID of its own.',
    },
  ),
  ...rows({ section: 'platform §4.9' }, { 'versions:log-bounds': 'A bound of a log that is no integer is 400 with `Must be an integer`.' }),
  ...rows(
    { section: 'platform §4.11' },
    { 'versions:dry-run-unvalidated': 'A dry run takes any name and any values, and uses the last of those with one name.' },
  ),
  ...rows(
    { section: 'platform §4.12' },
    { 'parameters:copy-from': 'A value may name a parameter to copy from, which changes nothing; what is no UUID is 400.' },
  ),
  ...rows(
    { section: 'platform §5' },
    {
      'templates:column-limits': 'Longer descriptions of templates than 128 characters and longer icons than 256 are 400 and named.',
      'parameters:name-limit': 'Longer names of parameters than 64 characters are refused and named.',
      'versions:resource-limits':
        'A resource with a longer name than 64 or a longer type than 192 characters fails the import and is named.',
    },
  ),
  ...rows(
    { section: 'platform §9.12', due: 'Terraform' },
    {
      'terraform:parse': 'Variables, defaults, conditions and syntax errors are read from Terraform sources.',
      'terraform:provision': 'Plans and applies give resources, logs and errors as listed, without leaking the host environment.',
      'terraform:resources': 'Agents, apps, metadata and instance types are found in the graph.',
    },
  ),
]
