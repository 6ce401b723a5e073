import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { followBalance, onSale } from './operations.js';
import { socket, token, url } from './session.js';

// urql's document cache needs nothing special. Graphcache does: give it the `schema` option with the introspected schema, or it
// takes the type called Subscription for the live root.
const bearer = `Bearer ${await token()}`;
const client = new Client({
  url: `${url}/graphql`,
  preferGetMethod: false,
  fetchOptions: () => ({ headers: { authorization: bearer } }),
  exchanges: [
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? '', variables }, sink as never) }),
      }),
    }),
  ],
});

const following = client.subscription(followBalance, {}).subscribe(({ data, error }) => {
  const change = data?.balanceChanged;
  if (error) console.error(error.message);
  if (change) console.log(`balance version ${change.balance.version}: ${change.balance.available.amount} available`);
});

const { data, error } = await client.query(onSale, {});
if (error) throw error;
for (const plan of data?.subscriptions.nodes ?? []) console.log(`${plan.title}: ${plan.price.amount} ${plan.price.currency}`);

setTimeout(
  async () => {
    following.unsubscribe();
    await socket.dispose();
  },
  Number(process.env.WATCH_MS ?? 2_000),
);
