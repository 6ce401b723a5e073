import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { buyFromBalance, followBalance, onSale } from './operations.js';
import { socket, token, url } from './session.js';

const http = ApolloLink.from([
  new SetContextLink(async ({ headers }) => ({ headers: { ...headers, authorization: `Bearer ${await token()}` } })),
  new HttpLink({ uri: `${url}/graphql` }),
]);
const client = new ApolloClient({
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    http,
  ),
  cache: new InMemoryCache({
    typePolicies: {
      // A grant shows its subscription as it was sold: the same id comes with different versions.
      Subscription: { keyFields: ['id', 'version'] },
      // These have no id of their own.
      Balance: { keyFields: false },
      Money: { keyFields: false },
    },
  }),
});

const following = client.subscribe({ query: followBalance }).subscribe({
  next: ({ data }) => {
    const change = data?.balanceChanged;
    if (change) console.log(`balance version ${change.balance.version}: ${change.balance.available.amount} available`);
  },
  error: (error: unknown) => console.error('The live operation ended:', error),
});

const { data: catalogue } = await client.query({ query: onSale });
const plan = catalogue?.subscriptions.nodes[0];
if (!plan) throw new Error('Nothing is on sale.');
console.log(`${plan.title}: ${plan.price.amount} ${plan.price.currency} for ${plan.durationDays} days`);

const input = { subscriptionId: plan.id, payWith: 'BALANCE' as const, idempotencyKey: crypto.randomUUID() };
const { data } = await client.mutate({ mutation: buyFromBalance, variables: { input } });
const [error] = data?.purchase.errors ?? [];
if (error?.__typename === 'InsufficientFunds') console.log(`${error.shortfall.amount} are missing: top up first.`);
else if (error) console.log(error.message);
else console.log(`Granted until ${data?.purchase.grant?.availableUntil}`);

setTimeout(
  async () => {
    following.unsubscribe();
    await socket.dispose();
  },
  Number(process.env.WATCH_MS ?? 2_000),
);
