import manifest from '../package.json' with { type: 'json' }

/** Version of the command line. */
export const version = `v${manifest.version}`

/** Version of the Coder v2 API it speaks. */
export const apiVersion = 'v0.13.4'
