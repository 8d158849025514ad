import { createArchive, starterTemplates } from '@berth/provisioner'
import { verifies } from '@berth/requirements'
import type { CreateTemplateVersionRequest, TemplateVersion } from '@berth/schema'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createMember, createTemplate, createVersion, uniqueName } from './factories.ts'
import { createFrom } from './import-archive.ts'
import { startTestServer, type TestServer } from './start-test-server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(async () => await server.stop())

const inOrganization = (): { organization: string } => ({ organization: server.firstUser.organization_id })
const named = async (name: string, template_id?: string): Promise<TemplateVersion> =>
  await createFrom(server, Buffer.from('an archive'), { name, ...(template_id !== undefined && { template_id }) })

test('a version of a template is found by its name, case and all; a name nobody has is 404 and said', async () => {
  verifies('versions:list')
  const template = await createTemplate(server)
  const { client } = await createMember(server)
  const version = await named('Second', template.id)
  const find = async (templateversionname: string): Promise<TemplateVersion> =>
    await client.templateVersions.getByName({ params: { template: template.id, templateversionname } })
  expect(await find('Second')).toMatchObject({ id: version.id, template_id: template.id })
  await expect(find('second')).rejects.toMatchObject({ status: 404, message: expect.stringContaining('"second"') as string })
})

test('a version is found by organization and name, by those who may read its template', async () => {
  verifies('versions:by-organization', 'versions:by-organization-access')
  const template = await createTemplate(server)
  const name = uniqueName()
  const version = await named(name, template.id)
  const params = { ...inOrganization(), templateversionname: name }
  expect((await server.client.templateVersions.getOfOrganization({ params })).id).toBe(version.id)
  const member = await createMember(server)
  expect((await member.client.templateVersions.getOfOrganization({ params })).id).toBe(version.id)
  // The same name without a template is newer, and nothing that a member may read.
  const loose = await named(name)
  expect((await server.client.templateVersions.getOfOrganization({ params })).id).toBe(loose.id)
  expect((await member.client.templateVersions.getOfOrganization({ params })).id).toBe(version.id)
  const unknown = server.client.templateVersions.getOfOrganization({ params: { ...params, templateversionname: 'nobody' } })
  await expect(unknown).rejects.toMatchObject({ status: 404 })
  const hidden = uniqueName()
  await named(hidden)
  const peeking = member.client.templateVersions.getOfOrganization({ params: { ...params, templateversionname: hidden } })
  await expect(peeking).rejects.toMatchObject({ status: 404 })
})

test('the previous version is of the same template; a first version and one without a template have none', async () => {
  verifies('versions:previous')
  await createTemplate(server)
  const template = await createTemplate(server)
  const first = await server.client.templateVersions.get({ params: { templateversion: template.active_version_id } })
  const second = await named(uniqueName(), template.id)
  const third = await named(uniqueName(), template.id)
  const previous = async (templateversionname: string): Promise<TemplateVersion> =>
    await server.client.templateVersions.previous({ params: { ...inOrganization(), templateversionname } })
  expect((await previous(second.name)).id).toBe(first.id)
  expect((await previous(third.name)).id).toBe(second.id)
  await expect(previous(first.name)).rejects.toMatchObject({ status: 404 })
  await expect(previous((await createVersion(server)).name)).rejects.toMatchObject({ status: 404 })
  await expect(previous('nobody')).rejects.toMatchObject({ status: 404 })
})

test('a previous version is shown as made by whoever made the named one', async () => {
  verifies('versions:previous-creator')
  const template = await createTemplate(server)
  const author = await createMember(server, { roles: ['template-admin'] })
  const { hash } = await author.client.files.upload({ body: Buffer.from('an archive') })
  const second = await author.client.templateVersions.create({
    params: inOrganization(),
    body: { name: uniqueName(), template_id: template.id, storage_method: 'file', file_id: hash, provisioner: 'echo' },
  })
  const params = { ...inOrganization(), templateversionname: second.name }
  const previous = await server.client.templateVersions.previous({ params })
  expect([previous.id, previous.created_by]).toEqual([template.active_version_id, second.created_by])
})

test('the server has every icon that a template which comes with Berth names', async () => {
  verifies('berth:templates:icons')
  const icons = (await starterTemplates()).flatMap(({ files }) =>
    files.flatMap(({ content }) => [...content.matchAll(/^\s*icon: (\S+)$/gm)].map(([, icon]) => icon)),
  )
  expect(icons.length).toBeGreaterThan(2)
  for (const icon of new Set(icons)) {
    const response = await fetch(new URL(icon ?? '', server.url))
    expect([icon, response.status, response.headers.get('content-type')]).toEqual([icon, 200, 'image/svg+xml'])
    expect(await response.text()).toMatch(/^<svg xmlns="[^"]+".*<\/svg>$/)
  }
})

test('the examples are the templates that come with Berth, for those who may read every template', async () => {
  verifies('versions:examples-list')
  const examples = await server.client.templates.examples({ params: inOrganization() })
  const starters = await starterTemplates()
  expect(examples).toEqual(
    starters.map(({ id, name, description, icon, tags, readme }) => ({
      id,
      name,
      description,
      icon,
      tags,
      markdown: readme,
      url: `${server.url}/docs`,
    })),
  )
  expect(examples.length).toBeGreaterThan(0)
  const { client } = await createMember(server)
  await expect(client.templates.examples({ params: inOrganization() })).rejects.toMatchObject({ status: 404 })
})

test('an example makes a version, again and again, of the archive that Berth brings', async () => {
  verifies('versions:example')
  const [starter] = await starterTemplates()
  const body: CreateTemplateVersionRequest = {
    name: 'bananas',
    storage_method: 'file',
    example_id: starter?.id ?? '',
    provisioner: 'terraform',
  }
  const version = await server.client.templateVersions.create({ params: inOrganization(), body })
  expect(version.name).toBe('bananas')
  const file = await server.client.files.get({ params: { file: version.job.file_id } })
  expect(Buffer.from(file).equals(await createArchive(starter?.directory ?? ''))).toBe(true)
  const again = await server.client.templateVersions.create({ params: inOrganization(), body })
  expect(again.job.file_id).toBe(version.job.file_id)
  // What it takes to run an example is known, whatever the request says.
  const template = await server.client.templates.create({
    params: inOrganization(),
    body: { name: uniqueName(), template_version_id: again.id },
  })
  expect(template.provisioner).toBe('berth')
})
