import type { CreateTemplateVersionRequest, TemplateVersion } from '@berth/schema'
import { importEnded } from './factories.ts'
import type { TestServer } from './start-test-server.ts'

/** Creates a version from the bytes of an archive, without waiting for its import. */
export async function createFrom(
  { client, firstUser }: TestServer,
  archive: Uint8Array,
  fields: Partial<CreateTemplateVersionRequest> = {},
): Promise<TemplateVersion> {
  const { hash } = await client.files.upload({ body: archive })
  return await client.templateVersions.create({
    params: { organization: firstUser.organization_id },
    body: { storage_method: 'file', file_id: hash, provisioner: 'echo', ...fields },
  })
}

/** Creates a version and waits for the end of its import. */
export async function imported(
  server: TestServer,
  archive: Uint8Array,
  fields: Partial<CreateTemplateVersionRequest> = {},
): Promise<TemplateVersion> {
  return await importEnded(server.client, (await createFrom(server, archive, fields)).id)
}
