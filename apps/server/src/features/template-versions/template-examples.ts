import { createArchive, starterTemplates, type StarterTemplate } from '@berth/provisioner'
import type { TemplateExample } from '@berth/schema'

/** What stands before the text of a README for programs to read. */
const FRONT_MATTER = /^---\r?\n[\s\S]*?\r?\n---\r?\n\s*/

/** The templates that come with Berth, as examples to make template versions from. They are read once. */
export class TemplateExamples {
  #starters: Promise<StarterTemplate[]> | undefined
  readonly #archives = new Map<string, Promise<Buffer>>()
  readonly #url: string

  /** @param accessUrl Where people reach the server: what templates are made of is described there. */
  constructor(accessUrl: string) {
    this.#url = `${accessUrl}/docs`
  }

  /** In the order of their ids. */
  async list(): Promise<TemplateExample[]> {
    return (await this.#read()).map(({ id, name, description, icon, tags, readme }) => ({
      id,
      url: this.#url,
      name,
      description,
      icon,
      tags: [...tags],
      markdown: readme.replace(FRONT_MATTER, ''),
    }))
  }

  /** The example as a tar, always of the same bytes. Undefined: there is none with this id. */
  async findArchive(id: string): Promise<Buffer | undefined> {
    const starter = (await this.#read()).find((candidate) => candidate.id === id)
    if (starter === undefined) return undefined
    const archive = this.#archives.get(id) ?? createArchive(starter.directory).then((bytes) => Buffer.from(bytes))
    this.#archives.set(id, archive)
    return await archive
  }

  async #read(): Promise<StarterTemplate[]> {
    return await (this.#starters ??= starterTemplates())
  }
}
