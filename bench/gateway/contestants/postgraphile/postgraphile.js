import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { JWT_SECRET } from '../../subjects.js';

const SERVER = fileURLToPath(new URL('./server.js', import.meta.url));

const ACCESS = `query Access($filmIds: [UUID!]!) {
  access(filmIds: $filmIds) { nodes { filmId allowed reason availableUntil } }
}`;

const PAGE = `query Page { me {
  posted held currency version
  grantsByUserId(first: 10, orderBy: [GRANTED_AT_DESC, ROW_ID_DESC]) { nodes {
    rowId status grantedAt availableUntil
    subscriptionVersionByVersionId { version
      planBySubscriptionId { rowId title }
      filmsByTitle(first: 20) { nodes { rowId title } }
    }
  } }
  transactionsByUserId(first: 20, orderBy: [VERSION_DESC]) {
    nodes { rowId kind amount balanceAfter currency createdAt }
    pageInfo { hasNextPage }
  }
} }`;

/** PostGraphile has a schema of its own: the same facts, asked for in its words. */
export const postgraphile = {
  title: 'PostGraphile 5',
  peer: true,
  scenarios: ['access', 'access100', 'page'],
  ready: '/graphql',
  command: [SERVER],
  prepare: readFileSync(new URL('./prepare.sql', import.meta.url), 'utf8'),
  environment: ({ port, databaseUrl }) => ({
    NODE_ENV: 'production',
    GRAPHILE_ENV: 'production',
    PORT: String(port),
    DATABASE_URL: databaseUrl,
    JWT_SECRET,
  }),
  request(name, scenario, subject) {
    const { variables } = scenario.operation(subject);
    const operation = name === 'page' ? { query: PAGE } : { query: ACCESS, variables };
    return { method: 'POST', path: '/graphql', body: JSON.stringify(operation) };
  },
  answer: (name, { data }) =>
    name === 'page' ? { data: { me: accountOf(data.me) } } : { data: { access: data.access.nodes.map(decisionOf) } },
};

const instant = (text) => text && new Date(text).toISOString();
const money = (amount, currency) => ({ amount: Number(amount), currency });
const filmOf = ({ rowId, title }) => ({ id: rowId, title });
const decisionOf = ({ availableUntil, ...decision }) => ({ ...decision, availableUntil: instant(availableUntil) });

function accountOf({ posted, held, currency, version, grantsByUserId, transactionsByUserId }) {
  return {
    balance: { available: money(posted - held, currency), held: money(held, currency), version },
    grants: { nodes: grantsByUserId.nodes.map(grantOf) },
    transactions: { nodes: transactionsByUserId.nodes.map(transactionOf), pageInfo: transactionsByUserId.pageInfo },
  };
}

function grantOf({ rowId, status, grantedAt, availableUntil, subscriptionVersionByVersionId: sold }) {
  const { rowId: id, title } = sold.planBySubscriptionId;
  return {
    id: rowId,
    status,
    grantedAt: instant(grantedAt),
    availableUntil: instant(availableUntil),
    subscription: { id, title, version: sold.version },
    films: { nodes: sold.filmsByTitle.nodes.map(filmOf) },
  };
}

function transactionOf({ rowId, kind, amount, balanceAfter, currency, createdAt }) {
  return {
    id: rowId,
    kind,
    amount: money(amount, currency),
    balanceAfter: money(balanceAfter, currency),
    createdAt: instant(createdAt),
  };
}
