export { citedIn, readCitations, type Citation } from './citations.ts'
export { requirements, type RequirementId } from './requirements.ts'
export type { Requirement } from './row.ts'
export { verifies } from './verifies.ts'
