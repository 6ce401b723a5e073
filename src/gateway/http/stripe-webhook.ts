import type { FastifyError, FastifyPluginAsync } from 'fastify';
import { describeFailure } from '../../runtime/describe-failure.js';
import { storeFaultOf } from '../../services/errors.js';
import type { StripeInbox } from '../../services/stripe-events/stripe-inbox.js';

export interface StripeWebhookOptions {
  readonly inbox: Pick<StripeInbox, 'receive'>;
  readonly bodyLimitBytes: number;
  /** For metrics: called with the outcome of each delivery. */
  readonly onReceived?: (outcome: 'stored' | 'refused' | 'failed') => void;
}

const REFUSALS = {
  EMPTY: 'The body is empty.',
  NOT_SIGNED: 'The signature is missing or invalid.',
  STALE: 'The signature is too old.',
  NOT_AN_EVENT: 'The body is not a Stripe event.',
} as const;

/**
 * `POST /webhooks/stripe`. Responds with 200 only if the event is stored; with 4xx, and nothing stored, if Stripe did not send it in this
 * form; with 503 if it could not be stored, so that Stripe retries: https://docs.stripe.com/webhooks#retries
 */
export const stripeWebhook: FastifyPluginAsync<StripeWebhookOptions> = async (scope, { inbox, bodyLimitBytes, onReceived }) => {
  // The signature covers the raw bytes. The parser applies only to this encapsulated scope.
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: bodyLimitBytes }, (_request, body, done) =>
    done(null, body),
  );

  scope.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode ?? (storeFaultOf(error) === 'UNSTORABLE' ? 422 : 503);
    if (status >= 500)
      request.log.error({ requestId: request.id, reason: describeFailure(error) }, 'could not store a Stripe event');
    const message = status >= 500 ? 'The event could not be stored. Send it again.' : error.message;
    return reply.code(status).send({ error: message });
  });

  scope.addHook('onResponse', async (_request, { statusCode }) => {
    onReceived?.(statusCode < 400 ? 'stored' : statusCode < 500 ? 'refused' : 'failed');
  });

  scope.post('/webhooks/stripe', { bodyLimit: bodyLimitBytes }, async (request, reply) => {
    const signature = request.headers['stripe-signature'];
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const receipt = await inbox.receive(body, typeof signature === 'string' ? signature : '');
    if (receipt.outcome === 'REFUSED') return reply.code(400).send({ error: REFUSALS[receipt.refusal] });
    return reply.send({ received: true });
  });
};
