import type { ProvisionerType } from '@berth/schema'
import { parsed } from '../command.ts'
import { readProvisioner } from './template-folder.ts'

/** Flags of the commands that read a template from a folder. */
export const folderFlags = {
  directory: parsed<string>('Folder of the template', {
    read: (path) => path,
    defaultValue: '.',
    short: 'd',
    placeholder: 'folder',
    completes: 'folders',
  }),
  provisioner: parsed<ProvisionerType | undefined>('What runs the template, whatever is in the folder', {
    read: readProvisioner,
    defaultValue: undefined,
    placeholder: 'type',
    hidden: true,
  }),
} as const
