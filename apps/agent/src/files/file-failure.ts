import { CallFailure } from '../calls/call-failure.ts'

/** How the system says what is wrong with a path, and what that means to a client. */
const meanings: Readonly<Record<string, ConstructorParameters<typeof CallFailure>>> = {
  ENOENT: ['path_not_found', 'There is no file or folder at'],
  ENOTDIR: ['path_not_found', 'There is a file, not a folder, above'],
  EACCES: ['path_forbidden', "The workspace's user has no permission for"],
  EPERM: ['path_forbidden', "The workspace's user has no permission for"],
  EROFS: ['path_forbidden', 'The file system cannot be written to at'],
  EEXIST: ['path_conflict', 'There is something already at'],
  ENOTEMPTY: ['path_conflict', 'The folder is not empty:'],
  EBUSY: ['path_conflict', 'The system is using'],
  EXDEV: ['path_conflict', 'The new path is on another file system than'],
  EISDIR: ['invalid_path', 'There is a folder, not a file, at'],
  EINVAL: ['invalid_path', 'The system refuses'],
  ELOOP: ['invalid_path', 'Too many symbolic links lead to'],
  ENAMETOOLONG: ['invalid_path', 'A name is too long in'],
  ERR_INVALID_ARG_VALUE: ['invalid_path', 'A path contains no zero byte, unlike'],
  ENOSPC: ['workspace_storage_full', 'The disk is full at'],
  EDQUOT: ['workspace_storage_full', "The user's share of the disk is used up at"],
  EMFILE: ['workspace_busy', 'Too many files are open to use'],
  ENFILE: ['workspace_busy', 'Too many files are open to use'],
}

const shownCharacters = 500

/** Returns what an error of the file system means to a client; other errors stay what they are. */
export function fileFailure(error: unknown, path: string): Error {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const meaning = meanings[code]
  if (meaning === undefined) return error instanceof Error ? error : new Error(String(error))
  const [failure, words] = meaning
  return new CallFailure(failure, `${words} ${JSON.stringify(path.slice(0, shownCharacters))}.`)
}
