import { ArchiveError, createArchive } from '@berth/provisioner/archive'
import { CommandError } from '../failures.ts'

/**
 * Packs a template's folder into a tar. Equal content gives equal bytes, so that the server
 * recognises an
 * upload it already has.
 *
 * @throws CommandError if the content is too large.
 */
export async function packTemplate(folder: string): Promise<Uint8Array> {
  try {
    // The caller has checked that the folder holds a template.
    return await createArchive(folder, { isAnyFolder: true })
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error
    throw new CommandError(error.message, {
      cause: error,
      help: "Remove files that the template doesn't need, or let the template download them.",
    })
  }
}
