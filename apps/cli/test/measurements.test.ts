import { expect, test } from 'vitest'
import { runBerth } from './run-berth.ts'

test.each([
  [['ping', 'dev', '--count', '0'], '--count: "0" isn\'t a count. Give a number from 1 to 100000.'],
  [['ping', 'dev', '--count', 'x'], '--count: "x" isn\'t a count.'],
  [['ping', 'dev', '--interval', 'x'], '--interval: "x" isn\'t a valid duration.'],
  [['speedtest', 'dev', '--time', '3m'], '--time: "3m" is too long or too short. A test takes up to 2m.'],
  [['speedtest', 'dev', '--size', '0'], '--size: "0" isn\'t a size.'],
  [['speedtest', 'dev', '--size', '2TiB'], '--size: "2TiB" isn\'t a size.'],
  [['speedtest', 'dev', '--size', '5 apples'], '--size: "5 apples" isn\'t a size.'],
  [['speedtest', 'dev', '--direct'], 'all connections go through the server. Leave out --direct.'],
  [['speedtest', 'dev', '--direction', 'left'], 'Use one of: up, down, both.'],
])('berth %j is refused, with what it takes', async (words, message) => {
  const { code, stderr } = await runBerth(words)
  expect(code).toBe(1)
  expect(stderr).toContain(message)
})
