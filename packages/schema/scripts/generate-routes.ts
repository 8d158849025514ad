/** Writes src/routes.gen.ts: what a client needs of each endpoint at run time, without the schemas and their library. */
import { writeFileSync } from 'node:fs'
import { renderRoutes } from '../src/render-routes.ts'

writeFileSync(new URL('../src/routes.gen.ts', import.meta.url), renderRoutes())
