import { fileURLToPath } from 'node:url';
import { JWT_SECRET } from '../../subjects.js';
import { graphqlRequest } from '../shared/graphql.js';

const SERVER = fileURLToPath(new URL('./server.js', import.meta.url));

export const yoga = {
  title: 'GraphQL Yoga, DataLoader',
  peer: true,
  scenarios: ['access', 'access100', 'page'],
  ready: '/health',
  command: [SERVER],
  environment: ({ port, databaseUrl }) => ({ NODE_ENV: 'production', PORT: String(port), DATABASE_URL: databaseUrl, JWT_SECRET }),
  request: (_name, scenario, subject) => graphqlRequest(scenario, subject),
};
