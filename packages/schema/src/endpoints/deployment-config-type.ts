/** A setting with its default and its value. */
export interface DeploymentConfigField {
  readonly name: string
  readonly usage: string
  readonly flag: string
  readonly shorthand: string
  readonly enterprise: boolean
  readonly hidden: boolean
  readonly secret: boolean
  readonly default: unknown
  readonly value: unknown
}

/** All settings that the API shows, nested by the words of their paths (Coder v2 API, v0.13.4). */
export interface DeploymentConfig {
  readonly [word: string]: DeploymentConfigField | DeploymentConfig
}
