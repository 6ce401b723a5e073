const bearer = (name) => JSON.stringify({ Authorization: `Bearer {{${name}}}` }, null, 2);
const json = (value) => JSON.stringify(value, null, 2);

/** The example tabs, in order. `roles.admin` and `roles.viewer` name the tokens to use. */
export function storyTabs(roles) {
  const admin = bearer(roles.admin);
  const viewer = bearer(roles.viewer);
  return [
    {
      query: `# 1. An admin adds films.
# Run the tabs from left to right. In the variables,
# {{…}} is replaced with a value from an earlier
# response, and {{new}} with a new idempotency key.
mutation CreateFilms($input: [CreateFilmInput!]!) {
  createFilms(input: $input) {
    films { id title }
    errors { code message path }
  }
}
`,
      variables: json({
        input: [
          { title: 'The Playhouse', description: 'Keaton plays every part.' },
          { title: 'One Week', description: 'A house in a box, a storm.' },
        ],
      }),
      headers: admin,
    },
    {
      query: `# 2. The admin creates a subscription with these
      # films. It is a draft: nobody can buy it yet.
mutation CreateSubscription($input: CreateSubscriptionInput!) {
  createSubscription(input: $input) {
    subscription { id title status version price { amount currency } }
    errors { code message path }
  }
}
`,
      variables: json({
        input: {
          title: 'Keaton week',
          description: 'Seven days of Buster Keaton.',
          filmIds: '{{filmIds}}',
          pricePerDay: 50,
          durationDays: 7,
        },
      }),
      headers: admin,
    },
    {
      query: `# 3. The admin puts it on sale. Its product and
      # price are created at Stripe.
mutation Activate($id: ID!) {
  activateSubscription(id: $id) {
    subscription { status stripeSync { status } stripeProductId stripePriceId }
    errors { code message }
  }
}
`,
      variables: json({ id: '{{subscriptionId}}' }),
      headers: admin,
    },
    {
      query: `# 4. The viewer watches their balance live.
# A tab stops when you open another one. To see the
# balance change, continue in a second window, or
# buy on the demo page.
subscription WatchBalance {
  balanceChanged {
    cursor
    balance { version available { amount currency } held { amount } }
    transaction { kind amount { amount } }
  }
}
`,
      headers: viewer,
    },
    {
      query: `# 5. The viewer buys by card. Open checkoutUrl
# and pay with 4242 4242 4242 4242.
mutation BuyByCard($input: PurchaseInput!) {
  purchase(input: $input) {
    order { id status checkoutUrl expiresAt amount { amount currency } }
    errors { code message path }
  }
}
`,
      variables: json({ input: { subscriptionId: '{{subscriptionId}}', payWith: 'CARD', idempotencyKey: '{{new}}' } }),
      headers: viewer,
    },
    {
      query: `# 6. What a landing page queries: the order,
      # its grant and its transactions.
query Order($id: ID!) {
  order(id: $id) {
    status
    grant { id status availableUntil refundQuote { unusedDays amount { amount currency } destination } }
    transactions { kind amount { amount } balanceAfter { amount } }
  }
}
`,
      variables: json({ id: '{{orderId}}' }),
      headers: viewer,
    },
    {
      query: `# 7. May the viewer watch these films?
query Access($filmIds: [ID!]!) {
  access(filmIds: $filmIds) {
    filmId allowed reason availableUntil
    offers { title price { amount currency } }
  }
}
`,
      variables: json({ filmIds: '{{filmIds}}' }),
      headers: viewer,
    },
    {
      query: `# 8. The viewer gets a refund for the unused days.
mutation Refund($input: RefundGrantInput!) {
  refundGrant(input: $input) {
    refund { status destination amount { amount currency } }
    grant { status }
    balance { available { amount } held { amount } }
    errors { code message ... on NotRefundable { reason } }
  }
}
`,
      variables: json({ input: { grantId: '{{grantId}}', idempotencyKey: '{{new}}' } }),
      headers: viewer,
    },
    {
      query: `# 9. The admin inspects the events from Stripe.
query Events {
  stripeEvents(first: 10) {
    nodes { id stripeId type status attempts lastError receivedAt processedAt }
  }
}
`,
      headers: admin,
    },
    {
      query: `# 10. The admin checks what the verification of
      # the ledger has found, and the jobs.
query Ledger {
  verifyLedger { viewers balancesChecked oldestVerifiedAt discrepancies { rule userId expected found } }
  jobs { name schedule lastRunAt lastResult lastError }
}
`,
      headers: admin,
    },
  ];
}
