import manifest from '../package.json' with { type: 'json' }

/** Version of this program. */
export const version = `v${manifest.version}`

/** The API that it speaks. */
export const apiVersion = 'v0.13.4'
