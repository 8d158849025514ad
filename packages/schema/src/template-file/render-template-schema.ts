import { templateFileJsonSchema } from './template-file.ts'

/** The text of `template-file.schema.json`, which editors check a template.yaml with. */
export function renderTemplateSchema(): string {
  return `${JSON.stringify({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...templateFileJsonSchema() }, null, 2)}\n`
}
