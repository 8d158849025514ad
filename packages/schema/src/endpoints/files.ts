import { Type, type Static } from '@sinclair/typebox'
import { endpoint } from '../endpoint.ts'
import { unusedFileDays } from '../rules/unused-files.ts'
import { Uuid } from '../wire.ts'

const MIB = 1024 * 1024
/** The largest file a user can upload. */
export const maxFileBytes = 100 * MIB

export const UploadResponse = Type.Object(
  { hash: Uuid({ description: 'ID of the file. The name `hash` is historical.' }) },
  { title: 'UploadResponse' },
)
export type UploadResponse = Static<typeof UploadResponse>

export const files = {
  upload: endpoint({
    method: 'POST',
    path: '/files',
    summary: 'Upload a template archive.',
    description: `An uncompressed tar archive of at most ${maxFileBytes / MIB} MiB. If the same user uploads the same bytes again, the answer is 200 with the same ID. A file that no template version uses is deleted ${unusedFileDays} days after its last upload, and each user may have a limited number of them.`,
    access: { resource: 'file', action: 'create', denied: 'forbidden' },
    bodyType: 'application/x-tar',
    maxBodyBytes: maxFileBytes,
    status: 201,
    alternativeStatus: 200,
    response: UploadResponse,
    failures: ['forbidden', 'invalid_content_type', 'file_quota_exceeded'],
    trailingSlash: true,
    requestsPerMinute: 12,
  }),
  get: endpoint({
    method: 'GET',
    path: '/files/:file',
    summary: 'Download a file.',
    description: 'Returns the bytes as they were uploaded. Users may download their own files.',
    access: { resource: 'file', action: 'read' },
    params: Type.Object({ file: Uuid({ description: 'File ID.' }) }),
    status: 200,
    delivery: 'bytes',
    responseType: 'application/x-tar',
    failures: ['invalid_uuid', 'not_found'],
    requestsPerMinute: 12,
  }),
}
