// Mercurius as its users write it for speed: JIT, its own loaders, prepared statements. MODE says which of its forms is served.
import DataLoader from 'dataloader';
import Fastify from 'fastify';
import { GraphQLScalarType } from 'graphql';
import mercurius from 'mercurius';
import { PAGE_STATEMENT } from '../shared/page-statement.js';
import { accessToMany, accessToOne, balances, films, grants, run, subscriptions, transactions } from '../shared/reads.js';
import { typeDefs } from '../shared/schema.js';
import { viewerOf } from '../shared/tokens.js';

const { PORT, JWT_SECRET, MODE } = process.env;

const DateTime = new GraphQLScalarType({
  name: 'DateTime',
  serialize: (value) => (value instanceof Date ? value.toISOString() : value),
});

const lookUps = (_root, { filmIds }, { viewer }) => filmIds.map((filmId) => accessToOne(viewer, filmId));
const dataLoader = (_root, { filmIds }, { access }) => filmIds.map((filmId) => access.load(filmId));
const wholePage = async (_root, _args, { viewer }) => JSON.parse((await run(PAGE_STATEMENT, [viewer]))[0].page);

const resolvers = {
  DateTime,
  Query: {
    me: MODE === 'statement' ? wholePage : (_root, _args, { viewer }) => ({ userId: viewer }),
    access: MODE === 'dataloader' ? dataLoader : lookUps,
  },
};

const idsOf = (queries, name) => queries.map(({ obj }) => obj[name]);
/** All queries of one batch come from one field of the document, so they have the same arguments. */
const loaders = {
  Account: {
    balance: (queries) => balances(idsOf(queries, 'userId')),
    grants: (queries) => grants(idsOf(queries, 'userId'), queries[0].params.first),
    transactions: (queries) => transactions(idsOf(queries, 'userId'), queries[0].params.first),
  },
  Grant: {
    subscription: (queries) => subscriptions(idsOf(queries, 'version_id')),
    films: (queries) => films(idsOf(queries, 'version_id'), queries[0].params.first),
  },
};

const app = Fastify({ logger: false });
app.get('/ready', async () => ({}));
app.register(mercurius, {
  schema: typeDefs,
  resolvers,
  ...(MODE === 'statement' ? {} : { loaders }),
  jit: 1,
  graphiql: false,
  context: ({ headers }) => {
    const viewer = viewerOf(headers.authorization, JWT_SECRET);
    if (MODE !== 'dataloader') return { viewer };
    return { viewer, access: new DataLoader((filmIds) => accessToMany(viewer, filmIds)) };
  },
});
await app.listen({ port: Number(PORT), host: '127.0.0.1' });
