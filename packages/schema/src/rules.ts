/**
 * Pure rules about wire values, without TypeBox: small enough for browsers and for a command line
 * that must start fast.
 * @module
 */
export {
  NIL_UUID,
  WireValueError,
  ZERO_TIME,
  goTimeText,
  parseBool,
  parseInt32Text,
  parseInt64Text,
  parseTime,
  parseUuid,
} from './rules/wire-values.ts'
export { instanceAuths, type AgentAuth, type InstanceAuth } from './rules/agent-auth.ts'
export { minAcceptedExtensionMs, minExtensionMs } from './rules/deadline.ts'
export { maxJsonBytes, maxLargeJsonBytes, maxLineLength, maxReportedCount } from './rules/field-limits.ts'
export { DurationError, formatDuration, parseDuration } from './rules/duration.ts'
export {
  hasInvisibleCharacters,
  isAppSlug,
  isEmail,
  isName,
  isTemplateDisplayName,
  isUsername,
  randomName,
  truncateRunes,
  usernameFrom,
} from './rules/names.ts'
export { PasswordError, checkPassword } from './rules/password.ts'
export { TtlError, checkTtl } from './rules/ttl.ts'
export { ScheduleError, nextStart, parseSchedule, type Schedule } from './rules/schedule.ts'
export { describeSchedule, scheduleFromWords } from './rules/schedule-words.ts'
export { SearchError, parseSearch } from './rules/search-query.ts'
export { isTimeZone, offsetAtMs } from './rules/time-zones.ts'
export { eventPingIntervalMs } from './rules/event-stream.ts'
export { AppHostnameError, appHostLabel, parseAppHostname, type AppHostname } from './rules/app-hostname.ts'
export { unusedFileDays } from './rules/unused-files.ts'
export { apiVersion, reportedVersion } from './rules/version.ts'
export { maxCallLineBytes } from './rules/agent-call-line.ts'
export {
  endedProcessKeptMs,
  execOutputBytes,
  execTimeoutMs,
  maxCommandWords,
  maxProcessMessageBytes,
  maxProcesses,
  processChannels,
  processReplayBytes,
} from './rules/processes.ts'
export { listedFiles, maxFileRequests, maxFileWatches, maxWatchedChanges } from './rules/workspace-files.ts'
