import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Runs projects in the order of the configuration, which lists the slowest first. Within a project,
 * the base class starts the longest file first, by its last duration or else by its size.
 */
export default class ProjectOrderSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = new Map(this.ctx.projects.map((project, index) => [project.name, index]))
    const rankOf = ({ project }: TestSpecification): number => rank.get(project.name) ?? 0
    return (await super.sort(files)).sort((left, right) => rankOf(left) - rankOf(right))
  }
}
