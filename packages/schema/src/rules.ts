/**
 * The pure rules about wire values, free of schemas and their library: small enough for a browser and for a command line that has to start fast.
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
} from './wire-values.ts'
export { instanceAuths, type AgentAuth, type InstanceAuth } from './agent-auth.ts'
export { DurationError, formatDuration, parseDuration } from './duration.ts'
export { isAppSlug, isEmail, isName, isTemplateDisplayName, randomName, truncateRunes, usernameFrom } from './names.ts'
export { PasswordError, checkPassword } from './password.ts'
export { TtlError, checkTtl } from './ttl.ts'
export { ScheduleError, describeSchedule, nextStart, parseSchedule, scheduleFromWords, type Schedule } from './schedule.ts'
export { SearchError, parseSearch } from './search-query.ts'
export { isTimeZone, offsetAtMs } from './time-zones.ts'
export { eventPingIntervalMs } from './event-stream.ts'
export { AppHostnameError, appHostLabel, parseAppHostname, type AppHostname } from './app-hostname.ts'
