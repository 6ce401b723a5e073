// PostGraphile 5 as its users set it up: the schema made from the database, the viewer in the settings of the transaction.
import http from 'node:http';
import { postgraphile } from 'postgraphile';
import { makePgService } from 'postgraphile/adaptors/pg';
import { grafserv } from 'postgraphile/grafserv/node';
import { PostGraphileAmberPreset } from 'postgraphile/presets/amber';
import { viewerOf } from '../shared/tokens.js';

const { PORT, DATABASE_URL, JWT_SECRET } = process.env;

const preset = {
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: DATABASE_URL,
      schemas: ['public'],
      poolConfig: { max: 8, options: '-c plan_cache_mode=force_generic_plan' },
    }),
  ],
  grafserv: { graphqlPath: '/graphql', graphiql: false, watch: false, websockets: false },
  grafast: {
    explain: false,
    context: ({ node }) => ({
      pgSettings: { 'jwt.claims.user_id': viewerOf(node.req.headers.authorization, JWT_SECRET), timezone: 'UTC' },
    }),
  },
};

const instance = postgraphile(preset);
await instance.getSchema();
const server = http.createServer();
await instance.createServ(grafserv).addTo(server);
server.listen(Number(PORT), '127.0.0.1');
