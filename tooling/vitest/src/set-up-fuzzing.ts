import { configureGlobal } from 'fast-check'
import { runs } from './fuzz.ts'

/** Covers properties that name no number. */
configureGlobal({ numRuns: runs(100) })
