// GraphQL Yoga on node:http as its users write it: DataLoader, prepared statements, its parser and validation cache.
import http from 'node:http';
import DataLoader from 'dataloader';
import { GraphQLScalarType } from 'graphql';
import { createSchema, createYoga } from 'graphql-yoga';
import { accessToMany, balances, films, grants, subscriptions, transactions } from '../shared/reads.js';
import { typeDefs } from '../shared/schema.js';
import { viewerOf } from '../shared/tokens.js';

const { PORT, JWT_SECRET } = process.env;

const DateTime = new GraphQLScalarType({
  name: 'DateTime',
  serialize: (value) => (value instanceof Date ? value.toISOString() : value),
});

const resolvers = {
  DateTime,
  Query: {
    me: (_root, _args, { viewer }) => ({ userId: viewer }),
    access: (_root, { filmIds }, { access }) => access.loadMany(filmIds),
  },
  Account: {
    balance: async ({ userId }) => (await balances([userId]))[0],
    grants: async ({ userId }, { first }) => (await grants([userId], first))[0],
    transactions: async ({ userId }, { first }) => (await transactions([userId], first))[0],
  },
  Grant: {
    subscription: ({ version_id: id }, _args, context) => context.subscriptions.load(id),
    films: ({ version_id: id }, { first }, context) => context.films(first).load(id),
  },
};

function createContext({ request }) {
  const viewer = viewerOf(request.headers.get('authorization'), JWT_SECRET);
  const filmLoaders = new Map();
  return {
    viewer,
    access: new DataLoader((filmIds) => accessToMany(viewer, filmIds)),
    subscriptions: new DataLoader(subscriptions),
    films(first) {
      const loader = filmLoaders.get(first) ?? new DataLoader((versionIds) => films(versionIds, first));
      filmLoaders.set(first, loader);
      return loader;
    },
  };
}

const yoga = createYoga({
  schema: createSchema({ typeDefs, resolvers }),
  context: createContext,
  parserAndValidationCache: true,
  graphiql: false,
  landingPage: false,
  logging: false,
});
http.createServer(yoga).listen(Number(PORT), '127.0.0.1');
