import { expect, test } from 'vitest'
import { readMetadata } from './server-client.ts'

test('the valid parts of metadata of an unexpected shape are used', () => {
  expect(readMetadata({ apps: null, environment_variables: { A: 'x', B: 1 }, directory: 7 })).toEqual({
    apps: [],
    environment_variables: { A: 'x' },
    startup_script: '',
    directory: '',
    motd_file: '',
  })
})

test('metadata that is not an object is an error', () => {
  expect(() => readMetadata(null)).toThrow('not a JSON object')
})
