import { createArchive, starterTemplates, type StarterTemplate } from '@berth/provisioner'
import type { TemplateExample } from '@berth/schema'

/** The YAML block at the start of a README. */
const FRONT_MATTER = /^---\r?\n[\s\S]*?\r?\n---\r?\n\s*/

/** The starter templates as examples for template versions. They are read once. */
export class TemplateExamples {
  #starters: Promise<StarterTemplate[]> | undefined
  readonly #archives = new Map<string, Promise<Buffer>>()
  readonly #url: string

  /** @param accessUrl The URL of the server, whose documentation describes templates. */
  constructor(accessUrl: string) {
    this.#url = `${accessUrl}/docs`
  }

  /** Returns the examples, sorted by ID. */
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

  /**
   * Returns an example as a tar file, always with the same bytes; undefined if there is no such
   * example.
   */
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
