import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { renderSettingsPage } from './render-settings-page.ts'

test('apps/docs/settings.md is current (otherwise: pnpm generate)', () => {
  expect(readFileSync(new URL('../../../docs/settings.md', import.meta.url), 'utf8')).toBe(renderSettingsPage())
})
