import { fileURLToPath } from 'node:url';
import { JWT_SECRET } from '../../subjects.js';
import { WEBHOOK_SECRET } from '../../webhook.js';

const SERVER = fileURLToPath(new URL('./server.js', import.meta.url));

/** As little as can be between a socket and Postgres: what no server of this kind can beat by much. */
export const limit = {
  title: 'the baseline: bare node:http + pg',
  scenarios: ['access', 'access100', 'page', 'purchase', 'hotwallet', 'webhook'],
  ready: '/ready',
  command: [SERVER],
  environment: ({ port, databaseUrl }) => ({
    NODE_ENV: 'production',
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    JWT_SECRET,
    WEBHOOK_SECRET,
  }),
  request(name, scenario, subject) {
    if (name === 'access') return { method: 'GET', path: `/access/${subject.films[0]}` };
    if (name === 'page') return { method: 'GET', path: '/page' };
    if (name === 'webhook') return { method: 'POST', path: '/webhook', body: scenario.body() };
    const { variables } = scenario.operation(subject);
    if (name === 'access100') return { method: 'POST', path: '/access', body: JSON.stringify(variables.filmIds) };
    return { method: 'POST', path: '/purchase', body: JSON.stringify(variables.input) };
  },
};
