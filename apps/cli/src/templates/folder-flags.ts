import type { ProvisionerType } from '@berth/schema'
import { parsed } from '../flags.ts'
import { readProvisioner } from './template-folder.ts'

/** Flags of commands that read a template from a folder. */
export const folderFlags = {
  directory: parsed<string>('Folder of the template', {
    read: (path) => path,
    defaultValue: '.',
    short: 'd',
    placeholder: 'folder',
    completes: 'folders',
  }),
  provisioner: parsed<ProvisionerType | undefined>('Provisioner type, whatever the folder contains', {
    read: readProvisioner,
    defaultValue: undefined,
    placeholder: 'type',
    hidden: true,
  }),
} as const
