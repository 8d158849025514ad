import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Runs the projects in the order the configuration lists them, so that the slowest start first. Within a project the base class starts the longest file
 * first: by the durations of the last run, or by size where there was none.
 */
export default class ProjectOrderSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = new Map(this.ctx.projects.map((project, index) => [project.name, index]))
    const rankOf = ({ project }: TestSpecification): number => rank.get(project.name) ?? 0
    return (await super.sort(files)).sort((left, right) => rankOf(left) - rankOf(right))
  }
}
