import { PLAN_ON_SALE } from './subjects.js';
import { webhookEvent } from './webhook.js';

export const ACCESS = `query Access($filmIds: [ID!]!) { access(filmIds: $filmIds) { filmId allowed reason availableUntil } }`;

export const PAGE = `query Page { me {
  balance { available { amount currency } held { amount currency } version }
  grants(first: 10) { nodes { id status grantedAt availableUntil subscription { id title version } films(first: 20) { nodes { id title } } } }
  transactions(first: 20) {
    nodes { id kind amount { amount currency } balanceAfter { amount currency } createdAt }
    pageInfo { hasNextPage }
  }
} }`;

export const PURCHASE = `mutation Purchase($input: PurchaseInput!) { purchase(input: $input) {
  grant { id availableUntil } balance { version available { amount currency } } errors { code message }
} }`;

/** A placeholder in a body whose requests each need an id of their own; the load generator fills it in. */
export const UNIQUE = '00000000-0000-4000-8000-000000000000';

const purchase = (subjectsOf) => ({
  writes: true,
  subjectsOf,
  operation: () => ({
    query: PURCHASE,
    variables: { input: { subscriptionId: PLAN_ON_SALE, payWith: 'BALANCE', idempotencyKey: UNIQUE } },
  }),
  /** Each contestant generates the ids and the time itself. */
  comparable: ({ data: { purchase: payload } }) => ({
    grant: Object.keys(payload.grant),
    moneyLeft: payload.balance.available,
    version: payload.balance.version,
    errors: payload.errors,
  }),
});

/** What is measured. `operation` is the GraphQL of it; a contestant that has another form makes its own request of it. */
export const scenarios = {
  access: {
    title: 'access, one film',
    subjectsOf: ({ readers }) => readers,
    operation: ({ films }) => ({ query: ACCESS, variables: { filmIds: films.slice(0, 1) } }),
  },
  access100: {
    title: 'access, 100 films in one query',
    subjectsOf: ({ readers }) => readers,
    operation: ({ films }) => ({ query: ACCESS, variables: { filmIds: films } }),
  },
  page: {
    title: 'page: balance, grants with films, 20 transactions',
    subjectsOf: ({ readers }) => readers,
    operation: () => ({ query: PAGE }),
  },
  purchase: { title: 'purchase from balance, distinct viewers', ...purchase(({ buyers }) => buyers) },
  hotwallet: { title: 'purchase from balance, one wallet', ...purchase(({ hotWallet }) => hotWallet) },
  webhook: {
    title: 'webhook: verified, stored, answered',
    writes: true,
    signed: true,
    subjectsOf: () => [{}],
    body: () => webhookEvent(UNIQUE),
    comparable: (body) => body,
  },
};
