/** Writes apps/docs/settings.md from the table of settings. */
import { writeFileSync } from 'node:fs'
import { renderSettingsPage } from '../src/settings/render-settings-page.ts'

writeFileSync(new URL('../../docs/settings.md', import.meta.url), renderSettingsPage())
