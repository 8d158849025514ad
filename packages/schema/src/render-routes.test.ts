import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { renderRoutes } from './render-routes.ts'

test('routes.gen.ts is current', () => {
  expect(readFileSync(new URL('./routes.gen.ts', import.meta.url), 'utf8')).toBe(renderRoutes())
})
