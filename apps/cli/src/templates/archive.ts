import { ArchiveError, createArchive } from '@berth/provisioner/archive'
import { CommandError } from '../failures.ts'

/**
 * Packs a template's folder into a plain tar. The same content makes the same bytes, so that the server recognises an upload it has.
 *
 * @throws CommandError when there is a megabyte of content or more.
 */
export async function packTemplate(folder: string): Promise<Uint8Array> {
  try {
    // What kind of template it is has been looked at already.
    return await createArchive(folder, { isAnyFolder: true })
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error
    throw new CommandError(error.message, {
      cause: error,
      help: 'A template is text; leave out what is not needed, or put it where the template can fetch it.',
    })
  }
}
