import {
  Failure,
  type BuildInfo,
  type CspReportRequest,
  type ServiceBanner,
  type UpdateCheckResponse,
  type UpdateServiceBannerRequest,
} from '@berth/schema'
import { renderOpenApi } from '@berth/schema/openapi'
import type { Logger } from 'pino'
import type { Config } from '../../settings/config.ts'
import type { DeploymentStore } from './store.ts'
import { UpdateCheck } from './update-check.ts'

interface Dependencies {
  readonly config: Config
  readonly store: DeploymentStore
  /** The URL where users and agents reach the server. */
  readonly accessUrl: string
  readonly version: string
  readonly logger: Logger
}

/** Anyone can send reports, and they must not fill the log. */
const MAX_REPORT_CHARACTERS = 2_000

/** Describes the deployment: its version, settings, features and banner. */
export class DeploymentService {
  readonly config: Config
  readonly #dependencies: Dependencies
  readonly #updateCheck: UpdateCheck | undefined
  #openApi: Buffer | undefined

  constructor(dependencies: Dependencies) {
    const { config, version, logger } = dependencies
    const { updateCheckUrl: url } = config
    this.config = config
    this.#dependencies = dependencies
    this.#updateCheck = url === undefined ? undefined : new UpdateCheck({ url, version, logger })
  }

  buildInfo(): BuildInfo {
    return { external_url: docsUrl(this.#dependencies), version: this.#dependencies.version }
  }

  /**
   * Returns the newest release. The running version stands in when none is known or the check is
   * off. While the first check runs, waits for it a few seconds.
   */
  async newestRelease(): Promise<UpdateCheckResponse> {
    const { version } = this.#dependencies
    return (await this.#updateCheck?.newest()) ?? { current: true, version, url: docsUrl(this.#dependencies) }
  }

  /** Returns the host name of the access URL. */
  accessHost(): string {
    return new URL(this.#dependencies.accessUrl).hostname
  }

  /**
   * Returns the host pattern of apps, with the access URL's port; empty when apps have no hosts of
   * their own.
   */
  appHost(): string {
    const { wildcardAccessUrl } = this.config
    if (wildcardAccessUrl === undefined) return ''
    const { port } = new URL(this.#dependencies.accessUrl)
    return port === '' ? wildcardAccessUrl : `${wildcardAccessUrl}:${port}`
  }

  async banner(): Promise<ServiceBanner> {
    return (await this.#dependencies.store.findBanner()) ?? { enabled: false }
  }

  /** Stores the banner. Its text survives while the banner is off. Throws `validation_failed`. */
  async setBanner({ enabled, message = '', background_color = '' }: UpdateServiceBannerRequest): Promise<ServiceBanner> {
    if (!/^(#[0-9a-f]{6})?$/i.test(background_color))
      throw new Failure('validation_failed', { validations: [{ field: 'background_color', detail: 'Use the form #rrggbb.' }] })
    const banner = { enabled, ...(message !== '' && { message }), ...(background_color !== '' && { background_color }) }
    await this.#dependencies.store.putBanner(banner)
    return banner
  }

  reportCsp(report: CspReportRequest): void {
    const text = JSON.stringify(report['csp-report'] ?? {}).slice(0, MAX_REPORT_CHARACTERS)
    this.#dependencies.logger.warn({ report: text }, 'a browser reported a violation of the content security policy')
  }

  /** Returns the OpenAPI document. It depends on the version alone, so it is rendered once. */
  openApi(): Buffer {
    this.#openApi ??= Buffer.from(JSON.stringify(renderOpenApi({ version: this.#dependencies.version })))
    return this.#openApi
  }

  start(): void {
    this.#updateCheck?.start()
  }

  async stop(): Promise<void> {
    await this.#updateCheck?.stop()
  }
}

/** Returns the URL of the API reference on this server. */
function docsUrl({ accessUrl }: Pick<Dependencies, 'accessUrl'>): string {
  return `${accessUrl}/docs`
}
