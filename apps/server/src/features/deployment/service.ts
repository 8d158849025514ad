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
  /** Where people and agents reach the server. */
  readonly accessUrl: string
  readonly version: string
  readonly logger: Logger
}

/** Anyone may send reports: they may not fill the log. */
const MAX_REPORT_CHARACTERS = 2_000

/** The deployment as a whole: what it is, how it is set up, what it offers. */
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

  /** Where nothing newer is known, or nobody looks, the running version is the newest. */
  newestRelease(): UpdateCheckResponse {
    const { version } = this.#dependencies
    return this.#updateCheck?.newest() ?? { current: true, version, url: docsUrl(this.#dependencies) }
  }

  /** The host name that people and agents know the server by. */
  accessHost(): string {
    return new URL(this.#dependencies.accessUrl).hostname
  }

  /** Empty where apps have no hosts of their own. With the port of the access URL, which apps are reached through too. */
  appHost(): string {
    const { wildcardAccessUrl } = this.config
    if (wildcardAccessUrl === undefined) return ''
    const { port } = new URL(this.#dependencies.accessUrl)
    return port === '' ? wildcardAccessUrl : `${wildcardAccessUrl}:${port}`
  }

  async banner(): Promise<ServiceBanner> {
    return (await this.#dependencies.store.findBanner()) ?? { enabled: false }
  }

  /** Its text is kept while it is off. Throws `validation_failed`. */
  async setBanner({ enabled, message = '', background_color = '' }: UpdateServiceBannerRequest): Promise<ServiceBanner> {
    if (!/^(#[0-9a-f]{6})?$/i.test(background_color))
      throw new Failure('validation_failed', { validations: [{ field: 'background_color', detail: 'Write it as #rrggbb.' }] })
    const banner = { enabled, ...(message !== '' && { message }), ...(background_color !== '' && { background_color }) }
    await this.#dependencies.store.putBanner(banner)
    return banner
  }

  reportCsp(report: CspReportRequest): void {
    const text = JSON.stringify(report['csp-report'] ?? {}).slice(0, MAX_REPORT_CHARACTERS)
    this.#dependencies.logger.warn({ report: text }, 'a browser was kept from something by the content security policy')
  }

  /** The document of the API. It depends on the version alone, so it is made once. */
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

/** Where the running version is described: at the server itself. */
function docsUrl({ accessUrl }: Pick<Dependencies, 'accessUrl'>): string {
  return `${accessUrl}/docs`
}
