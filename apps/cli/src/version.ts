import manifest from '../package.json' with { type: 'json' }

export { apiVersion } from '@berth/schema/rules'

/** Version of the command line. */
export const version = `v${manifest.version}`
