import { templateFileJsonSchema } from './template-file.ts'

/** Returns the text of `template-file.schema.json`, with which editors check a template.yaml. */
export function renderTemplateSchema(): string {
  return `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...templateFileJsonSchema() }, null, 2)}\n`
}
