import { apiPage } from './rows/api-page.ts'
import { berthBuilds } from './rows/berth-builds.ts'
import { berth } from './rows/berth.ts'
import { platformDeployment } from './rows/platform-deployment.ts'
import { platformPeople } from './rows/platform-people.ts'
import { platformTemplates } from './rows/platform-templates.ts'
import { rulings } from './rows/rulings.ts'
import { workspacesAgents } from './rows/workspaces-agents.ts'
import { workspacesBuilds } from './rows/workspaces-builds.ts'
import { workspacesEndpoints } from './rows/workspaces-endpoints.ts'
import { workspacesWire } from './rows/workspaces-wire.ts'

/** Every observable rule that Berth keeps, in the order of their sources. */
export const requirements = [
  ...apiPage,
  ...rulings,
  ...workspacesWire,
  ...workspacesEndpoints,
  ...workspacesBuilds,
  ...workspacesAgents,
  ...platformPeople,
  ...platformTemplates,
  ...platformDeployment,
  ...berth,
  ...berthBuilds,
]

/** The ID of a rule. An unknown one doesn't compile. */
export type RequirementId = (typeof requirements)[number]['id']
