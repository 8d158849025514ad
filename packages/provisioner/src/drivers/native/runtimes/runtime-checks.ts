import type { TemplateRuntime } from '@berth/schema'
import type { TemplateCheck } from '../template/check-context.ts'
import { checkKubernetesTemplate } from './kubernetes/check-kubernetes-template.ts'

/**
 * What each runtime requires of its templates beyond the schema of its block. A new runtime adds an
 * entry here.
 */
export const runtimeChecks: Readonly<Record<TemplateRuntime, TemplateCheck>> = {
  local: () => {},
  kubernetes: checkKubernetesTemplate,
}
