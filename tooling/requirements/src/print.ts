import { fileURLToPath } from 'node:url'
import { readCitations } from './citations.ts'
import { coverage, renderCoverage } from './coverage.ts'
import { requirements } from './requirements.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
console.log(renderCoverage(coverage(requirements, readCitations(root))))
