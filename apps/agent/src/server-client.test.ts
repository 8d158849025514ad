import { expect, test } from 'vitest'
import { readMetadata } from './server-client.ts'

test('metadata of an unexpected shape become what can be used of them', () => {
  expect(readMetadata({ apps: null, environment_variables: { A: 'x', B: 1 }, directory: 7 })).toEqual({
    apps: [],
    environment_variables: { A: 'x' },
    startup_script: '',
    directory: '',
    motd_file: '',
  })
})

test('metadata that are no object are an error', () => {
  expect(() => readMetadata(null)).toThrow('not a JSON object')
})
