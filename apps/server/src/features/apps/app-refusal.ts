/** Why an app can't be shown, as a person reads it. */
export class AppRefusal extends Error {
  override readonly name = 'AppRefusal'
  readonly status: number
  /** What the visitor can do. */
  readonly advice: string
  /**
   * What programs get. Pages are for everybody, and JSON is for those that don't ask for a page.
   */
  readonly form: 'page' | 'json' | 'page-or-json'

  constructor(
    refusal: Pick<AppRefusal, 'status' | 'message' | 'advice'> & { readonly form?: AppRefusal['form']; readonly cause?: unknown },
  ) {
    super(refusal.message, { cause: refusal.cause })
    this.status = refusal.status
    this.advice = refusal.advice
    this.form = refusal.form ?? 'page'
  }
}

/**
 * One answer for apps that don't exist and for apps of others, so that nobody learns which exist.
 */
export function appNotFound(): AppRefusal {
  return new AppRefusal({
    status: 404,
    message: "This app doesn't exist, or you can't open it.",
    advice: 'Check the address. If the app belongs to someone else, ask them to share it.',
  })
}
