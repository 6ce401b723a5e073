import { ApolloClient, ApolloLink, HttpLink, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions';
import { OperationTypeNode } from 'graphql';
import { buyFromBalance, followBalance, onSale } from './operations.js';
import { socket, token, url } from './session.js';
import { runStory } from './story.js';

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
      // A grant shows its subscription as it was sold, so the same id appears with different versions.
      Subscription: { keyFields: ['id', 'version'] },
      // These have no id.
      Balance: { keyFields: false },
      Money: { keyFields: false },
    },
  }),
});

await runStory({
  async onSale() {
    const { data } = await client.query({ query: onSale });
    if (!data) throw new Error('The catalogue query returned no data.');
    return data;
  },
  async buy(input) {
    const { data } = await client.mutate({ mutation: buyFromBalance, variables: { input } });
    if (!data) throw new Error('The purchase returned no data.');
    return data;
  },
  follow(seen, failed) {
    const following = client.subscribe({ query: followBalance }).subscribe({
      next: ({ data, error }) => (data ? seen(data.balanceChanged) : failed(error)),
      error: failed,
    });
    return () => following.unsubscribe();
  },
});
