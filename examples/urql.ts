import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { buyFromBalance, followBalance, onSale } from './operations.js';
import { socket, token, url } from './session.js';
import { tellTheStory } from './story.js';

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

await tellTheStory({
  async onSale() {
    const { data, error } = await client.query(onSale, {});
    if (!data) throw error ?? new Error('The catalogue came without data.');
    return data;
  },
  async buy(input) {
    const { data, error } = await client.mutation(buyFromBalance, { input });
    if (!data) throw error ?? new Error('The purchase came without data.');
    return data;
  },
  follow(seen, failed) {
    const following = client
      .subscription(followBalance, {})
      .subscribe(({ data, error }) => (data ? seen(data.balanceChanged) : failed(error)));
    return () => following.unsubscribe();
  },
});
