import { expect, test } from 'vitest'
import { settingSections, settings } from './deployment-settings.ts'

const all = Object.values(settings)

test.each(['path', 'name', 'flag', 'shorthand'] as const)('no two settings share a %s', (fact) => {
  const words = all.map((setting) => setting[fact]).filter((word) => word !== '')
  expect(words.filter((word, index) => words.indexOf(word) !== index)).toEqual([])
})

test('the name of a setting as a flag is not the flag of another', () => {
  const taken = all.filter(({ name, flag }) =>
    all.some((other) => other.flag === name.toLowerCase().replaceAll('_', '-') && other.flag !== flag),
  )
  expect(taken).toEqual([])
})

test('no setting lies on the path to another', () => {
  expect(all.filter(({ path }) => all.some((other) => other.path.startsWith(`${path}.`)))).toEqual([])
})

test('every setting stands below one heading and says in full sentences what it is', () => {
  expect(settingSections.flatMap((section) => section.settings)).toEqual(all)
  expect(all.filter(({ usage }) => !/^[A-Z].*\.$/.test(usage))).toEqual([])
})
