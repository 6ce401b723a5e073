/** A call to Stripe, as far as it may be told: ids are left out of the path. */
export interface StripeCall {
  readonly method: string;
  /** Such as /v1/refunds/:id. */
  readonly path: string;
}

/** Stands around the calls that leave the process, to time and to trace them. It changes nothing of how they end. */
export interface CallObserver {
  statement<Result>(name: string, run: () => Promise<Result>): Promise<Result>;
  /** `run` gets headers to send along. Each try of a call that is repeated is one. */
  stripe<Result extends { getStatusCode(): number }>(
    call: StripeCall,
    run: (headers: Readonly<Record<string, string>>) => Promise<Result>,
  ): Promise<Result>;
}
