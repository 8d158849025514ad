import type { CommandGroup } from './command.ts'
import { complete } from './commands/complete.ts'
import { completion } from './commands/completion.ts'
import { configSsh } from './commands/config-ssh.ts'
import { create } from './commands/create.ts'
import { deleteWorkspace } from './commands/delete.ts'
import { help } from './commands/help.ts'
import { list } from './commands/list.ts'
import { login } from './commands/login.ts'
import { logout } from './commands/logout.ts'
import { ping } from './commands/ping.ts'
import { portForward } from './commands/port-forward.ts'
import { list as listPorts } from './commands/ports/list.ts'
import { share } from './commands/ports/share.ts'
import { rename } from './commands/rename.ts'
import { restart } from './commands/restart.ts'
import { overrideStop } from './commands/schedule/override-stop.ts'
import { show as showSchedule } from './commands/schedule/show.ts'
import { start as scheduleStart } from './commands/schedule/start.ts'
import { stop as scheduleStop } from './commands/schedule/stop.ts'
import { show } from './commands/show.ts'
import { speedtest } from './commands/speedtest.ts'
import { ssh } from './commands/ssh.ts'
import { start } from './commands/start.ts'
import { stop } from './commands/stop.ts'
import { create as createTemplate } from './commands/templates/create.ts'
import { init } from './commands/templates/init.ts'
import { list as listTemplates } from './commands/templates/list.ts'
import { push } from './commands/templates/push.ts'
import { update } from './commands/update.ts'
import { version } from './commands/version.ts'

/** Every command, by the words that call it. */
export const commandTree: CommandGroup = {
  summary: 'Create and use developer workspaces on your own machines',
  examples: ['login https://berth.example.com', 'create dev', 'ssh dev'],
  commands: {
    login,
    logout,
    create,
    list,
    show,
    start,
    stop,
    restart,
    ssh,
    'config-ssh': configSsh,
    'port-forward': portForward,
    ping,
    speedtest,
    update,
    rename,
    delete: deleteWorkspace,
    ports: {
      summary: 'Let other people open ports of a running workspace',
      commands: { share, list: listPorts },
    },
    schedule: {
      summary: 'Manage when a workspace starts and stops automatically',
      commands: { show: showSchedule, start: scheduleStart, stop: scheduleStop, 'override-stop': overrideStop },
    },
    templates: {
      summary: 'Manage templates',
      aliases: ['template'],
      commands: { init, create: createTemplate, push, list: listTemplates },
    },
    completion,
    version,
    help,
    __complete: complete,
  },
}
