import type { files } from '@berth/schema'
import { Answer } from '../../http/answer.ts'
import type { FoundByPath } from '../../gate/found-by-path.ts'
import type { Handlers } from '../../http/serve.ts'
import type { FileService } from './service.ts'

export function fileRoutes<Agent>(service: FileService): Handlers<typeof files, FoundByPath, Agent> {
  return {
    upload: async ({ actor, body, contentType }) => {
      const { id, isNew } = await service.upload(actor.user_id, { data: body, mimetype: contentType })
      return new Answer({ hash: id }, { status: isNew ? 201 : 200 })
    },
    get: async ({ file }) => new Answer(await service.getData(file.id), { contentType: file.mimetype }),
  }
}
