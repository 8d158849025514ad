import { setImmediate as pause } from 'node:timers/promises'
import { templateRuntimes, type TemplateApp, type TemplateFile, type TemplateParameter } from '@berth/schema'
import { runtimeChecks } from '../runtimes/runtime-checks.ts'
import type { CheckContext, TemplatePath } from './check-context.ts'
import { regexFault } from './linear-regex.ts'
import { checkParameterText, optionValue, parameterText } from './parameter-values.ts'
import { quote } from './quote.ts'

/**
 * Reports what the schema of templates can't express: duplicate names, defaults that their own
 * parameter refuses, settings that exclude each other, and what the template's runtime requires.
 */
export async function checkTemplate(file: Partial<TemplateFile>, context: CheckContext): Promise<void> {
  const { parameters = [], agents = [], metadata = [] } = file
  noteRepeated(
    parameters.map((parameter, index) => ({ value: parameter?.name, path: ['parameters', index, 'name'], what: 'parameter' })),
    context,
  )
  noteRepeated(
    agents.map((agent, index) => ({ value: agent?.name, path: ['agents', index, 'name'], what: 'agent' })),
    context,
  )
  noteRepeated(
    metadata.map((entry, index) => ({ value: entry?.key, path: ['metadata', index, 'key'], what: 'key' })),
    context,
  )
  for (const [index, parameter] of parameters.entries()) {
    if (parameter?.name === undefined) continue
    if (parameter.validation?.regex !== undefined) await pause()
    checkParameter(parameter, { ...context, path: ['parameters', index] })
  }
  const apps = agents.flatMap((agent, agentIndex) =>
    (agent?.apps ?? []).map((app, index) => ({ app, path: ['agents', agentIndex, 'apps', index] })),
  )
  noteRepeated(
    apps.map(({ app, path }) => ({ value: app?.slug, path: [...path, 'slug'], what: 'app slug' })),
    context,
  )
  for (const { app, path } of apps) if (app !== undefined) checkApp(app, { ...context, path })
  for (const runtime of templateRuntimes) if (file[runtime] !== undefined) runtimeChecks[runtime](file, context)
}

interface Named {
  readonly value: string | undefined
  readonly path: TemplatePath
  readonly what: string
}

function noteRepeated(entries: readonly Named[], { problem }: CheckContext): void {
  const seen = new Set<string>()
  for (const { value, path, what } of entries) {
    if (value === undefined) continue
    if (seen.has(value)) problem(path, `duplicate ${what} ${quote(value)}; give each a unique name`)
    seen.add(value)
  }
}

interface PlacedContext extends CheckContext {
  readonly path: TemplatePath
}

function checkParameter(parameter: TemplateParameter, { problem, path }: PlacedContext): void {
  const { type = 'string', default: initial, options = [], validation = {} } = parameter
  const { regex, min, max } = validation
  const values = options.map(optionValue)
  const hadProblem = [
    regex !== undefined && type !== 'string' && note(problem, [...path, 'validation', 'regex'], `a ${type} can't have a regex; remove it`),
    regex !== undefined && noteRegex(problem, [...path, 'validation', 'regex'], regex),
    min !== undefined &&
      type !== 'number' &&
      note(problem, [...path, 'validation', 'min'], `a ${type} can't have a min; set type: number or remove it`),
    max !== undefined &&
      type !== 'number' &&
      note(problem, [...path, 'validation', 'max'], `a ${type} can't have a max; set type: number or remove it`),
    min !== undefined &&
      max !== undefined &&
      min > max &&
      note(problem, [...path, 'validation', 'min'], `min is greater than max; swap them`),
    ...values.map((value, index) => value !== undefined && noteType(problem, [...path, 'options', index, 'value'], { type, value })),
  ].some(Boolean)
  noteRepeated(
    values.map((value, index) => ({
      value: value === undefined ? undefined : parameterText(value),
      path: [...path, 'options', index, 'value'],
      what: 'option',
    })),
    { problem },
  )
  if (
    initial === undefined ||
    noteType(problem, [...path, 'default'], { type, value: initial }) ||
    hadProblem ||
    values.includes(undefined)
  )
    return
  const refusal = checkParameterText({ ...parameter, sensitive: false }, parameterText(initial))
  if (refusal !== undefined) problem([...path, 'default'], `the default ${refusal}`)
}

function note(problem: CheckContext['problem'], path: TemplatePath, message: string): boolean {
  problem(path, message)
  return true
}

function noteRegex(problem: CheckContext['problem'], path: TemplatePath, regex: string): boolean {
  const refusal = regexFault(regex)
  return refusal !== undefined && note(problem, path, `the regular expression is invalid: ${refusal}; correct it`)
}

function noteType(
  problem: CheckContext['problem'],
  path: TemplatePath,
  { type, value }: { readonly type: 'string' | 'number' | 'bool'; readonly value: string | number | boolean },
): boolean {
  const wanted = { string: 'string', number: 'number', bool: 'boolean' }[type]
  if (typeof value === wanted) return false
  const advice = {
    string: `write ${quote(String(value))} with quotes`,
    number: 'write a number without quotes',
    bool: 'write true or false without quotes',
  }[type]
  return note(problem, path, `${typeof value === 'string' ? quote(value) : value} isn't a ${type}; ${advice}, or change the type`)
}

function checkApp(app: TemplateApp, { problem, path }: PlacedContext): void {
  const { url, command, external, subdomain, healthcheck } = app
  if (url === undefined && command === undefined) problem(path, 'the app has neither a url nor a command; add one')
  if (url !== undefined && command !== undefined) problem([...path, 'command'], 'the app already has a url; remove one of the two')
  if (url !== undefined) return
  if (external === true) problem([...path, 'external'], 'only an app with a url can be external; remove it')
  if (subdomain === true) problem([...path, 'subdomain'], 'only an app with a url can have a subdomain; remove it')
  if (healthcheck !== undefined) problem([...path, 'healthcheck'], 'only an app with a url can have a healthcheck; remove it')
}
