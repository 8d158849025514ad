import type { TemplateFile } from '@berth/schema'

/** The keys and positions that lead to a value in a template. */
export type TemplatePath = readonly (string | number)[]

/** Where a check reports what it finds. */
export interface CheckContext {
  readonly problem: (path: TemplatePath, message: string) => void
}

/** Reports what is wrong with a template. Parts that could not be read are absent. */
export type TemplateCheck = (file: Partial<TemplateFile>, context: CheckContext) => void
