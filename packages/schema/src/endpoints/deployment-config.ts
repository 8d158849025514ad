import { Type, type TSchema } from '@sinclair/typebox'
import type { DeploymentConfig as DeploymentConfigType } from './deployment-config-type.ts'
import { deploymentSettings, type DeploymentSetting } from '../settings/deployment-settings.ts'

export type { DeploymentConfigField } from './deployment-config-type.ts'

const valueSchemas: Readonly<Record<DeploymentSetting['kind'], () => TSchema>> = {
  string: () => Type.String(),
  bool: () => Type.Boolean(),
  int: () => Type.Integer(),
  duration: () => Type.Integer({ description: 'Nanoseconds.' }),
  'string[]': () => Type.Union([Type.Array(Type.String()), Type.Null()]),
  'gitauth[]': () => Type.Union([Type.Array(Type.Record(Type.String(), Type.Unknown())), Type.Null()]),
}

function fieldSchema({ kind, usage }: DeploymentSetting): TSchema {
  const flags = { enterprise: Type.Boolean(), hidden: Type.Boolean(), secret: Type.Boolean() }
  const words = { name: Type.String(), usage: Type.String(), flag: Type.String(), shorthand: Type.String() }
  const value = valueSchemas[kind]
  return Type.Object({ ...words, ...flags, default: value(), value: value() }, { description: usage })
}

type Placed = readonly [words: readonly string[], setting: DeploymentSetting]

function nestedSchema(placed: readonly Placed[], options: { title?: string } = {}): TSchema {
  const byFirst = new Map<string, Placed[]>()
  for (const [[first = '', ...rest], setting] of placed) byFirst.set(first, [...(byFirst.get(first) ?? []), [rest, setting]])
  const properties = [...byFirst].map(([word, below]) => {
    const leaf = below.find(([rest]) => rest.length === 0)
    return [word, leaf === undefined ? nestedSchema(below) : fieldSchema(leaf[1])] as const
  })
  return Type.Object(Object.fromEntries(properties), options)
}

export const DeploymentConfig = Type.Unsafe<DeploymentConfigType>(
  nestedSchema(
    deploymentSettings.map((setting) => [setting.path.split('.'), setting] as const),
    { title: 'DeploymentConfig' },
  ),
)
export type DeploymentConfig = DeploymentConfigType
