import type { FastifyError, FastifyPluginAsync } from 'fastify';
import { describeFailure } from '../../runtime/describe-failure.js';
import { storeFaultOf } from '../../services/errors.js';
import type { StripeInbox } from '../../services/stripe-events/stripe-inbox.js';

export interface StripeWebhookOptions {
  readonly inbox: Pick<StripeInbox, 'receive'>;
  readonly bodyLimitBytes: number;
  /** For metrics: told how each delivery ended. */
  readonly onReceived?: (outcome: 'stored' | 'refused' | 'failed') => void;
}

const REFUSALS = {
  EMPTY: 'The body is empty.',
  NOT_SIGNED: 'The signature is missing or wrong.',
  STALE: 'The signature is too old.',
  NOT_AN_EVENT: 'The body is not an event of Stripe.',
} as const;

/**
 * `POST /webhooks/stripe`. Answers 200 only when the event is stored; 4xx, with nothing stored, to what Stripe did not send
 * like that; 503 when it could not be stored, so that Stripe sends it again: https://docs.stripe.com/webhooks#retries
 */
export const stripeWebhook: FastifyPluginAsync<StripeWebhookOptions> = async (scope, { inbox, bodyLimitBytes, onReceived }) => {
  // The signature is over the bytes as they came. The parser holds only for this encapsulated scope.
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('application/json', { parseAs: 'buffer', bodyLimit: bodyLimitBytes }, (_request, body, done) =>
    done(null, body),
  );

  scope.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode ?? (storeFaultOf(error) === 'UNSTORABLE' ? 422 : 503);
    if (status >= 500)
      request.log.error({ requestId: request.id, reason: describeFailure(error) }, 'a Stripe event could not be stored');
    const message = status >= 500 ? 'The event could not be stored; send it again.' : error.message;
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
