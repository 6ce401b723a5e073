import { fileURLToPath } from 'node:url';
import { JWT_SECRET } from '../../subjects.js';
import { graphqlRequest } from '../shared/graphql.js';

const SERVER = fileURLToPath(new URL('./server.js', import.meta.url));

const form = (title, scenarios, MODE) => ({
  title,
  peer: true,
  scenarios,
  ready: '/ready',
  command: [SERVER],
  environment: ({ port, databaseUrl }) => ({
    NODE_ENV: 'production',
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    JWT_SECRET,
    MODE,
  }),
  request: (_name, scenario, subject) => graphqlRequest(scenario, subject),
});

export const mercurius = form('Mercurius, JIT', ['access', 'access100', 'page'], 'loaders');
export const mercuriusDataLoader = form('Mercurius, JIT, DataLoader', ['access', 'access100'], 'dataloader');
export const mercuriusStatement = form('Mercurius, JIT, page in one statement', ['page'], 'statement');
