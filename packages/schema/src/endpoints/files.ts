import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { Uuid } from '../wire.ts'

/** Largest file that can be uploaded. */
export const maxFileBytes = 100 * 1024 * 1024

export const UploadResponse = Type.Object(
  { hash: Uuid({ description: 'The ID of the file; the key is called `hash` for compatibility.' }) },
  { title: 'UploadResponse' },
)
export type UploadResponse = Static<typeof UploadResponse>

export const files = {
  upload: endpoint({
    method: 'POST',
    path: '/files',
    summary: 'Upload a template archive.',
    description: 'A plain tar of at most 100 MiB. The same bytes uploaded again by the same user answer 200 with the same ID.',
    access: { resource: 'file', action: 'create', denied: 'forbidden' },
    bodyType: 'application/x-tar',
    status: 201,
    alternativeStatus: 200,
    response: UploadResponse,
    failures: ['forbidden', 'invalid_content_type'],
    trailingSlash: true,
    requestsPerMinute: 12,
  }),
  get: endpoint({
    method: 'GET',
    path: '/files/:file',
    summary: 'Download a file.',
    access: { resource: 'file', action: 'read' },
    params: Type.Object({ file: Uuid({ description: 'File ID.' }) }),
    status: 200,
    delivery: 'bytes',
    failures: ['invalid_uuid', 'not_found'],
    requestsPerMinute: 12,
  }),
}
