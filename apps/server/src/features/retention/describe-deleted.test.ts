import { expect, test } from 'vitest'
import { describeDeleted } from './describe-deleted.ts'

const none = { api_keys: 0, agent_stats: 0, audit_logs: 0, job_logs: 0, files: 0 }

test('the number of deleted records is said in words, the kinds that have none are left out', () => {
  expect(describeDeleted({ ...none, job_logs: 1_203, api_keys: 1 })).toBe(
    'deleted 1 204 expired records: 1 203 lines of job logs, 1 API key',
  )
  expect(describeDeleted({ ...none, agent_stats: 1_234_567, audit_logs: 2 })).toBe(
    'deleted 1 234 569 expired records: 1 234 567 reports of agent statistics, 2 audit log entries',
  )
  expect(describeDeleted({ ...none, audit_logs: 1 })).toBe('deleted 1 expired record: 1 audit log entry')
  expect(describeDeleted({ ...none, files: 3 })).toBe('deleted 3 expired records: 3 unused files')
  expect(describeDeleted(none)).toBeUndefined()
})
