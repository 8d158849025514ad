import { verifies } from '@berth/requirements'
import { expect, test } from 'vitest'
import { Redaction } from './redaction.ts'

function redactionOf(...values: string[]): Redaction {
  const redaction = new Redaction()
  redaction.learn(values.map((value) => ({ name: 'p', value, destination_scheme: 'none', sensitive: true })))
  return redaction
}

test.each([
  [['hunter2'], 'login hunter2!', 'login ********!'],
  [['hunter2', 'hunter2-long'], 'hunter2-long hunter2', '******** ********'],
  [['a"b\nc-of-it'], 'say "a\\"b\\nc-of-it"', 'say "********"'],
  [['first-line\nsecond-line'], 'a second-line alone', 'a ******** alone'],
  [['päss wörd'], '?p=p%C3%A4ss%20w%C3%B6rd', '?p=********'],
  [['1'], '1', '********'],
  [['1'], 'port 1010', 'port 1010'],
  [[''], 'nothing', 'nothing'],
])('the values %j are hidden in %j', (values, text, hidden) => {
  verifies('berth:secrets:sensitive-values')
  expect(redactionOf(...values).text(text)).toBe(hidden)
})

test('values that people may see are not hidden', () => {
  const redaction = new Redaction()
  redaction.learn([{ name: 'zone', value: 'europe', destination_scheme: 'none', sensitive: false }])
  redaction.learn([{ name: 'zone', value: 'europe', destination_scheme: 'none' }])
  expect(redaction.text('in europe')).toBe('in europe')
})
