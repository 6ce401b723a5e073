/** A call to Stripe, without confidential parts: ids are removed from the path. */
interface StripeCall {
  readonly method: string;
  /** For example /v1/refunds/:id. */
  readonly path: string;
}

/** Wraps calls that leave the process, to measure and trace them. It does not change their outcome. */
export interface CallObserver {
  statement<Result>(name: string, run: () => Promise<Result>): Promise<Result>;
  /** `run` receives headers to send. Each attempt of a retried call counts separately. */
  stripe<Result extends { getStatusCode(): number }>(
    call: StripeCall,
    run: (headers: Readonly<Record<string, string>>) => Promise<Result>,
  ): Promise<Result>;
}
