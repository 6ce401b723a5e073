export const WEBHOOK_SECRET = 'whsec_benchmark0000000000000000000000';

/**
 * An event such as Stripe sends, 2 KiB of it. Its type has no effect here: it is verified, stored and answered, and nothing follows
 * in the background. The id is replaced in each request.
 */
export const webhookEvent = (id) =>
  JSON.stringify({
    id: `evt_${id}`,
    object: 'event',
    api_version: '2026-10-28.endive',
    created: 1_795_000_000,
    livemode: false,
    pending_webhooks: 1,
    request: { id: 'req_benchmark', idempotency_key: 'benchmark' },
    type: 'payment_intent.created',
    data: {
      object: {
        id: 'pi_3QbenchmarkBenchmark00000',
        object: 'payment_intent',
        amount: 1_500,
        amount_capturable: 0,
        amount_details: { tip: {} },
        amount_received: 0,
        application: null,
        application_fee_amount: null,
        automatic_payment_methods: { allow_redirects: 'always', enabled: true },
        canceled_at: null,
        cancellation_reason: null,
        capture_method: 'automatic_async',
        client_secret: 'pi_3QbenchmarkBenchmark00000_secret_benchmark',
        confirmation_method: 'automatic',
        created: 1_795_000_000,
        currency: 'usd',
        customer: 'cus_Qbenchmark',
        description: 'Thirty days of the silent film collection',
        last_payment_error: null,
        latest_charge: null,
        livemode: false,
        metadata: { order_id: '0193f3b0-0000-7000-8000-000000000000', user_id: '0193f3b0-0000-4000-8000-000000000001' },
        next_action: null,
        on_behalf_of: null,
        payment_method: null,
        payment_method_options: {
          card: { installments: null, mandate_options: null, network: null, request_three_d_secure: 'automatic' },
          link: { persistent_token: null },
        },
        payment_method_types: ['card', 'link'],
        processing: null,
        receipt_email: null,
        review: null,
        setup_future_usage: null,
        shipping: null,
        source: null,
        statement_descriptor: null,
        statement_descriptor_suffix: null,
        status: 'requires_payment_method',
        transfer_data: null,
        transfer_group: null,
      },
    },
  });
