import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { renderRoutes } from './render-routes.ts'
import { renderShapes } from './render-shapes.ts'
import { renderTemplateSchema } from './template-file/render-template-schema.ts'

test.each([
  ['src/routes.gen.ts', renderRoutes],
  ['src/shapes.gen.ts', renderShapes],
  ['template-file.schema.json', renderTemplateSchema],
])('%s is current (otherwise: pnpm generate)', (path, render) => {
  expect(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')).toBe(render())
})
