import type { ParameterValue, Resource } from '@berth/provisioner'
import { MASK } from './agent-values.ts'

/** A shorter value is hidden only where it is the whole text: it would occur in most others. */
const MIN_INNER_CHARACTERS = 4

type Agent = Resource['agents'][number]
type App = Agent['apps'][number]

/** Hides the values of a job's sensitive parameters in whatever people see of the job. */
export class Redaction {
  readonly #whole = new Set<string>()
  readonly #inner = new Set<string>()
  /** Longest first, so that no value is cut apart by a shorter one. */
  #ordered: readonly string[] = []

  /** Hides the sensitive ones of these values from now on. */
  learn(values: readonly ParameterValue[]): void {
    for (const { value, sensitive } of values) if (sensitive === true && value !== '') this.#hide(value)
    this.#ordered = [...this.#inner].toSorted((a, b) => b.length - a.length)
  }

  text(text: string): string {
    if (this.#whole.has(text)) return MASK
    return this.#ordered.reduce((hidden, value) => hidden.replaceAll(value, MASK), text)
  }

  /** Hides values in the free texts of a resource. Names, which identify things, stay. */
  resource(resource: Resource): Resource {
    return {
      ...resource,
      instance_type: this.text(resource.instance_type),
      metadata: resource.metadata.map(({ value, ...item }) => ({
        ...item,
        value: item.sensitive && value !== '' ? MASK : this.text(value),
      })),
      agents: resource.agents.map((agent) => this.#agent(agent)),
    }
  }

  #agent(agent: Agent): Agent {
    return {
      ...agent,
      env: Object.fromEntries(Object.entries(agent.env).map(([name, value]) => [name, this.text(value)])),
      startup_script: this.text(agent.startup_script),
      directory: this.text(agent.directory),
      motd_file: this.text(agent.motd_file),
      troubleshooting_url: this.text(agent.troubleshooting_url),
      apps: agent.apps.map((app) => this.#app(app)),
    }
  }

  #app({ healthcheck, ...app }: App): App {
    return {
      ...app,
      display_name: this.text(app.display_name),
      command: this.text(app.command),
      url: this.text(app.url),
      icon: this.text(app.icon),
      ...(healthcheck !== undefined && { healthcheck: { ...healthcheck, url: this.text(healthcheck.url) } }),
    }
  }

  /**
   * Hides a value as it is, as JSON and URLs spell it, and each of its lines, because logs are cut
   * into lines.
   */
  #hide(value: string): void {
    this.#whole.add(value)
    const spellings = [
      value,
      JSON.stringify(value).slice(1, -1),
      encodeURIComponent(Buffer.from(value).toString()),
      ...value.split(/\r?\n/),
    ]
    for (const spelling of spellings) if (spelling.length >= MIN_INNER_CHARACTERS) this.#inner.add(spelling)
  }
}
