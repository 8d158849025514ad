import { mkdir, readdir, readFile, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { Failure } from '@berth/schema'
import { startStubServer, type StubServer } from '@berth/sdk/testing'
import { extract } from 'tar-stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listStarterTemplates } from '../src/templates/starter-templates.ts'
import { packTemplate } from '../src/templates/archive.ts'
import { openTemplateFolder } from '../src/templates/template-folder.ts'
import { id, job, log, parameterSchema, template, templateVersion } from './fixtures.ts'
import { runBerth, temporaryFolder, type Call } from './run-berth.ts'

let stub: StubServer

beforeEach(async () => {
  stub = await startStubServer({ token: 'secret' })
  stub.on('organizations.listOfUser', () => [
    { id: id(15), name: 'default', created_at: '2026-11-24T09:00:00Z', updated_at: '2026-11-24T09:00:00Z' },
  ])
  stub.on('files.upload', () => ({ hash: id(50) }))
  stub.on('templates.getByName', () => {
    throw new Failure('not_found')
  })
  stub.on('templates.create', () => template())
  stub.on('templateVersions.create', () => templateVersion())
  stub.on('templateVersions.get', () => templateVersion())
  stub.on('templateVersions.logs', () => [log(1, 'Setting up', ''), log(2, 'Parsing template parameters', 'read')])
})
afterEach(() => stub.close())

const berth = (words: readonly string[], call: Call = {}) =>
  runBerth(words, { ...call, environment: { BERTH_URL: stub.url, BERTH_SESSION_TOKEN: 'secret' } })
const asked = (operation: string) => stub.requests.filter((request) => request.operation === operation)
const bodiesOf = (operation: string): unknown[] => asked(operation).map((request) => ('body' in request ? request.body : undefined))

async function templateFolder(
  files: Record<string, string> = { 'template.yaml': 'name: local-starter\n' },
  name = 'local-starter',
): Promise<string> {
  const folder = join(await temporaryFolder(), name)
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true })
    await writeFile(join(folder, path), content)
  }
  return folder
}

async function entriesOf(archive: Uint8Array): Promise<Record<string, string>> {
  const entries: Record<string, string> = {}
  const parser = Readable.from([Buffer.from(archive)]).pipe(extract())
  for await (const entry of parser) {
    const chunks: Buffer[] = []
    for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk)
    entries[entry.header.name] = entry.header.type === 'file' ? Buffer.concat(chunks).toString() : entry.header.type
  }
  return entries
}

describe('the archive of a template', () => {
  test('holds files, folders and links, but nothing hidden and no state', async () => {
    const folder = await templateFolder({
      'main.tf': 'a',
      'modules/vm/main.tf': 'b',
      '.git/config': 'no',
      'modules/.terraform/x': 'no',
      'terraform.tfstate': 'no',
      'old.tfstate.backup': 'no',
    })
    await symlink('main.tf', join(folder, 'link.tf'))
    expect(await entriesOf(await packTemplate(folder))).toEqual({
      'link.tf': 'symlink',
      'main.tf': 'a',
      'modules/': 'directory',
      'modules/vm/': 'directory',
      'modules/vm/main.tf': 'b',
    })
  })

  test('has the same bytes for the same content, whenever it was written', async () => {
    const [one, other] = [await templateFolder({ 'b.tf': '1', 'a.tf': '2' }), await templateFolder({ 'a.tf': '2', 'b.tf': '1' })]
    await utimes(join(other, 'a.tf'), 1, 1)
    expect(Buffer.from(await packTemplate(one)).equals(Buffer.from(await packTemplate(other)))).toBe(true)
  })

  test('is refused at one megabyte of content', async () => {
    const folder = await templateFolder({ 'main.tf': 'x'.repeat(1024 * 1024 - 1) })
    expect((await packTemplate(folder)).length).toBeGreaterThan(1024 * 1024)
    await writeFile(join(folder, 'more.tf'), 'x')
    await expect(packTemplate(folder)).rejects.toThrow('Archive too big')
  })
})

test.each([
  [{ 'template.yaml': '', 'main.tf': '' }, 'berth'],
  [{ 'main.tf': '' }, 'terraform'],
])('a folder with %j is for the provisioner %s', async (files, provisioner) => {
  expect(await openTemplateFolder(await templateFolder(files), undefined)).toMatchObject({ provisioner })
})

test('a folder without a template is refused with its full path', async () => {
  const folder = await templateFolder({ 'readme.md': '' })
  const { code, stderr } = await berth(['templates', 'create', '-d', folder, '-y'])
  expect(code).toBe(1)
  expect(stderr).toContain(`${folder} isn't a template: it has no template.yaml and no *.tf file.`)
})

async function starters(): Promise<string> {
  const folder = await temporaryFolder()
  for (const name of ['local-starter', 'other']) {
    await mkdir(join(folder, name))
    await writeFile(join(folder, name, 'template.yaml'), `name: ${name}\ndescription: "About ${name}"\n`)
  }
  return folder
}

describe('init', () => {
  test('writes the named template to a folder of the same name and says what to do next', async () => {
    const workingDirectory = await temporaryFolder()
    const { code, stdout } = await berth(['templates', 'init', 'local-starter'], {
      workingDirectory,
      starterTemplatesDirectory: await starters(),
    })
    expect(code).toBe(0)
    expect(stdout).toContain('  berth templates create -d local-starter\n')
    expect(await readdir(join(workingDirectory, 'local-starter'))).toEqual(['template.yaml'])
  })

  test('writes a template to another folder, and overwrites nothing', async () => {
    const workingDirectory = await temporaryFolder()
    const call = { workingDirectory, starterTemplatesDirectory: await starters() }
    await mkdir(join(workingDirectory, 'mine'))
    expect((await berth(['templates', 'init', 'mine', '--id', 'other'], call)).code).toBe(0)
    expect(await readFile(join(workingDirectory, 'mine', 'template.yaml'), 'utf8')).toContain('name: other')
    const again = await berth(['templates', 'init', 'mine', '--id', 'local-starter'], call)
    expect(again.code).toBe(1)
    expect(again.stderr).toContain('template.yaml already exists.')
    expect(await readFile(join(workingDirectory, 'mine', 'template.yaml'), 'utf8')).toContain('name: other')
  })

  test('the templates that come with the program have a description each', async () => {
    const templates = await listStarterTemplates(fileURLToPath(new URL('../../../packages/provisioner/templates', import.meta.url)))
    expect(templates.map((starter) => starter.id)).toContain('local-starter')
    for (const { description } of templates) expect(description).toMatch(/^[A-Z].+\.$/)
  })

  test('without a name and a terminal, asks for --id', async () => {
    expect((await berth(['templates', 'init'], { starterTemplatesDirectory: await starters() })).stderr).toContain('Pass --id.')
  })
})

describe('create', () => {
  test('uploads the folder, imports it and creates a template named after it', async () => {
    const folder = await templateFolder()
    const { code, stdout, stderr } = await berth(['templates', 'create', '-d', folder, '-y'])
    expect(code).toBe(0)
    expect(stdout).toBe('The template local-starter is ready. Create a workspace with:\n  berth create dev --template local-starter\n')
    expect(stderr).toContain('==> Parsing template parameters\n    read\n')
    const [upload] = bodiesOf('files.upload')
    expect(await entriesOf(upload as Uint8Array)).toEqual({ 'template.yaml': 'name: local-starter\n' })
    expect(bodiesOf('templateVersions.create')).toEqual([
      { storage_method: 'file', file_id: id(50), provisioner: 'berth', tags: {}, parameter_values: [] },
    ])
    expect(bodiesOf('templates.create')).toEqual([
      { name: 'local-starter', template_version_id: id(13), default_ttl_ms: 86_400_000, allow_user_cancel_workspace_jobs: true },
    ])
  })

  test('flags reach the requests', async () => {
    const folder = await templateFolder()
    const words = [
      'templates',
      'create',
      'mine',
      '-d',
      folder,
      '-y',
      '--default-ttl',
      '0',
      '--provisioner',
      'echo',
      '--provisioner-tag',
      'zone=a=b',
    ]
    expect((await berth(words)).code).toBe(0)
    expect(bodiesOf('templateVersions.create')).toMatchObject([{ provisioner: 'echo', tags: { zone: 'a=b' } }])
    expect(bodiesOf('templates.create')).toMatchObject([{ name: 'mine', default_ttl_ms: 0 }])
  })

  test('missing parameters are taken from the file and sent with a second version of the same upload', async () => {
    const failed = job({ status: 'failed', error: 'missing parameter: region' })
    let reads = 0
    stub.on('templateVersions.get', () => templateVersion({ job: asked('templateVersions.create').length > 1 ? job() : failed }))
    stub.on('templateVersions.schema', () => {
      reads += 1
      return [parameterSchema()]
    })
    stub.on('templateVersions.parameters', () => [])
    const folder = await templateFolder()
    const none = await berth(['templates', 'create', '-d', folder, '-y'])
    expect(none.code).toBe(1)
    expect(none.stderr).toContain('The template needs values for: region.')
    expect(none.stderr).toContain('Pass a --parameter-file that sets region.')
    const values = join(folder, '..', 'values.yaml')
    await writeFile(values, 'region: eu\n')
    expect((await berth(['templates', 'create', '-d', folder, '-y', '--parameter-file', values])).code).toBe(0)
    expect(reads).toBe(1)
    expect(bodiesOf('templateVersions.create').at(-1)).toMatchObject({
      parameter_values: [{ name: 'region', source_value: 'eu', source_scheme: 'data', destination_scheme: 'provisioner_variable' }],
    })
  })

  test('a failed import is reported with the reason, and creates no template', async () => {
    stub.on('templateVersions.get', () => templateVersion({ job: job({ status: 'failed', error: 'template.yaml:3:1: no such key' }) }))
    const { code, stderr } = await berth(['templates', 'create', '-d', await templateFolder(), '-y'])
    expect(code).toBe(1)
    expect(stderr).toContain('The template could not be imported: template.yaml:3:1: no such key\n')
    expect(asked('templates.create')).toEqual([])
  })

  test('Ctrl-C cancels the import', async () => {
    stub.on('templateVersions.get', () =>
      templateVersion({
        job:
          asked('templateVersions.cancel').length === 0
            ? job({ status: 'running', completed_at: undefined as never })
            : job({ status: 'canceled' }),
      }),
    )
    let interrupt: (() => void) | undefined
    stub.onStream('templateVersions.logs', async (_, stream) => {
      await stream.send(log(1, 'Setting up', ''))
      interrupt?.()
    })
    const { code } = await berth(['templates', 'create', '-d', await templateFolder(), '-y'], {
      onStart: (send) => {
        interrupt = () => setTimeout(() => send('SIGINT'), 50)
      },
    })
    expect(code).toBe(1)
    expect(asked('templateVersions.cancel')).toHaveLength(1)
    expect(asked('templates.create')).toEqual([])
  })

  test('a name that is taken points to push', async () => {
    stub.on('templates.getByName', () => template())
    const { code, stderr } = await berth(['templates', 'create', '-d', await templateFolder(), '-y'])
    expect(code).toBe(1)
    expect(stderr).toContain("Push a new version of it with 'berth templates push local-starter'.")
    expect(asked('files.upload')).toEqual([])
  })

  test('a folder whose name is not a valid template name needs a name', async () => {
    const { stderr } = await berth(['templates', 'create', '-d', await templateFolder({ 'main.tf': '' }, 'my_template'), '-y'])
    expect(stderr).toContain('"my_template" isn\'t a valid template name')
    expect(stderr).toContain("Run 'berth templates create --help' for usage.")
  })
})

test('push imports a version for the template, keeps its values and makes it the active one', async () => {
  stub.on('templates.getByName', () => template())
  const kept = {
    id: id(41),
    created_at: '2026-11-24T09:00:00Z',
    updated_at: '2026-11-24T09:00:00Z',
    scope: 'import_job' as const,
    scope_id: id(1),
    name: 'region',
    source_scheme: 'data' as const,
    source_value: '',
    destination_scheme: 'provisioner_variable' as const,
    schema_id: id(40),
    default_source_value: false,
  }
  stub.on('templateVersions.parameters', () => [kept, { ...kept, id: id(42), name: 'size', default_source_value: true }])
  stub.on('templates.updateActiveVersion', () => ({ message: 'Updated the active template version!' }))
  const { code, stdout } = await berth(['template', 'push', '-d', await templateFolder(), '--name', 'second', '-y'])
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: "The active version of local-starter is now first. Update existing workspaces with 'berth update'.\n",
  })
  expect(bodiesOf('templateVersions.create')).toMatchObject([
    { template_id: id(14), name: 'second', parameter_values: [{ copy_from_parameter: id(41), name: 'region' }] },
  ])
  expect(bodiesOf('templates.updateActiveVersion')).toEqual([{ id: id(13) }])
})

test('list shows the templates by name', async () => {
  stub.on('templates.list', () => [template({ name: 'web', active_user_count: -1 }), template()])
  expect((await berth(['templates', 'ls', '-c', 'name,used_by,default_ttl'])).stdout).toMatchInlineSnapshot(`
    "NAME           USED BY             DEFAULT TTL
    local-starter  1 active developer  1d
    web            not counted yet     1d
    "
  `)
  expect(JSON.parse((await berth(['templates', 'list', '-o', 'json'])).stdout)).toHaveLength(2)
})
