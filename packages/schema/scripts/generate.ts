/**
 * Generates three files from the contract: the routes for clients, the types of requests and
 * answers for their compilers, and the JSON Schema of template.yaml for editors.
 */
import { writeFileSync } from 'node:fs'
import { renderRoutes } from '../src/render-routes.ts'
import { renderShapes } from '../src/render-shapes.ts'
import { renderTemplateSchema } from '../src/template-file/render-template-schema.ts'

writeFileSync(new URL('../src/routes.gen.ts', import.meta.url), renderRoutes())
writeFileSync(new URL('../src/shapes.gen.ts', import.meta.url), renderShapes())
writeFileSync(new URL('../template-file.schema.json', import.meta.url), renderTemplateSchema())
