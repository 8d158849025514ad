import { agentVersion } from '../version.ts'

const USAGE = `The agent of a Berth workspace.

  agent     Connect this workspace to its server. Reads BERTH_AGENT_URL and BERTH_AGENT_TOKEN, or CODER_AGENT_URL and CODER_AGENT_TOKEN.
  version   Print the version.
`

/**
 * Entry of the agent as one executable. Its first argument is a command, as bootstrap scripts write
 * it (Coder v2 API, v0.13.4).
 */
function main(command: string | undefined): void {
  switch (command) {
    case 'agent':
      import('../main.ts').catch((error: unknown) => {
        process.stderr.write(`The agent could not be loaded: ${error instanceof Error ? error.message : String(error)}\n`)
        process.exitCode = 1
      })
      break
    case 'version':
      process.stdout.write(`${agentVersion}\n`)
      break
    case 'help':
    case '--help':
      process.stdout.write(USAGE)
      break
    default:
      process.stderr.write(command === undefined ? USAGE : `${JSON.stringify(command)} is not a command.\n\n${USAGE}`)
      process.exitCode = 1
  }
}

main(process.argv[2])
