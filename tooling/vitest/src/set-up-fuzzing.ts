import { configureGlobal } from 'fast-check'
import { runs } from './fuzz.ts'

/** For the properties that name no number of their own. */
configureGlobal({ numRuns: runs(100) })
