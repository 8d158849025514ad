import { reportedVersion } from '@berth/schema/rules'
import packageJson from '../package.json' with { type: 'json' }

/** The version that the agent reports: that of the server it comes with. */
export const agentVersion = reportedVersion(packageJson.version)
