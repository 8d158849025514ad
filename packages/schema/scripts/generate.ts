/**
 * Generates two files from the contract: the routes for clients, and the JSON Schema of
 * template.yaml for editors.
 */
import { writeFileSync } from 'node:fs'
import { renderRoutes } from '../src/render-routes.ts'
import { renderTemplateSchema } from '../src/template-file/render-template-schema.ts'

writeFileSync(new URL('../src/routes.gen.ts', import.meta.url), renderRoutes())
writeFileSync(new URL('../template-file.schema.json', import.meta.url), renderTemplateSchema())
