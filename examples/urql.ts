import { Client, cacheExchange, fetchExchange, subscriptionExchange } from '@urql/core';
import { buyFromBalance, followBalance, onSale } from './operations.js';
import { socket, token, url } from './session.js';
import { runStory } from './story.js';

// urql's document cache needs no configuration. Graphcache needs the introspected schema in its `schema` option, otherwise it treats
// the type called Subscription as the root of live operations.
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

await runStory({
  async onSale() {
    const { data, error } = await client.query(onSale, {});
    if (!data) throw error ?? new Error('The catalogue query returned no data.');
    return data;
  },
  async buy(input) {
    const { data, error } = await client.mutation(buyFromBalance, { input });
    if (!data) throw error ?? new Error('The purchase returned no data.');
    return data;
  },
  follow(seen, failed) {
    const following = client
      .subscription(followBalance, {})
      .subscribe(({ data, error }) => (data ? seen(data.balanceChanged) : failed(error)));
    return () => following.unsubscribe();
  },
});
