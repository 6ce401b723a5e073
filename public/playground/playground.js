import { Placeholders } from './placeholders.js';
import { storyTabs } from './story.js';

const placeholders = new Placeholders();
const endpoint = '/graphql';
/** One socket per token: the token is sent only when the socket opens. */
const sockets = new Map();

function socketFor(authorization) {
  if (!sockets.has(authorization)) {
    const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${endpoint}`;
    const connectionParams = authorization ? { authorization } : {};
    sockets.set(authorization, window.graphqlWs.createClient({ url, connectionParams, retryAttempts: 0 }));
  }
  return sockets.get(authorization);
}

/** The operations of a document as currently edited; GraphiQL's own list of them is updated with a delay. */
function operationsOf(text) {
  const operations = [];
  let depth = 0;
  for (const [token] of text.replaceAll(/#.*$/gm, '').matchAll(/[{}()]|\w+|"(?:\\.|[^"\\])*"/g)) {
    if (token === '{' || token === '(') depth += 1;
    else if (token === '}' || token === ')') depth -= 1;
    else if (depth === 0 && ['query', 'mutation', 'subscription'].includes(token))
      operations.push({ kind: token, name: undefined });
    else if (depth === 0 && operations.length > 0) operations.at(-1).name ??= token;
  }
  return operations;
}

async function* live(payload, authorization) {
  try {
    for await (const result of socketFor(authorization).iterate(payload)) {
      placeholders.remember(result.data);
      yield result;
    }
  } catch (error) {
    if (Array.isArray(error)) yield { errors: error };
    else throw new Error(error.reason || error.message || 'The connection was closed.');
  }
}

async function ask(payload, headers) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json, application/json', ...headers },
    body: JSON.stringify(payload),
  });
  const result = await response.json();
  placeholders.remember(result.data);
  return result;
}

function fetcher(defaultToken) {
  return async (parameters, options = {}) => {
    const given = Object.keys(options.headers ?? {}).some((name) => name.toLowerCase() === 'authorization');
    const withToken =
      given || !placeholders.has(defaultToken)
        ? options.headers
        : { ...options.headers, Authorization: `Bearer {{${defaultToken}}}` };
    const headers = placeholders.fill(withToken ?? {});
    const operations = operationsOf(parameters.query);
    const operation = operations.find(({ name }) => name === parameters.operationName) ?? operations[0];
    const payload = { query: parameters.query, variables: placeholders.fill(parameters.variables ?? {}) };
    if (operation?.name) payload.operationName = operation.name;
    if (operation?.kind !== 'subscription') return ask(payload, headers);
    const authorization = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization')?.[1];
    return live(payload, authorization);
  };
}

async function loadTokens() {
  const response = await fetch('/playground/tokens');
  const tokens = response.ok ? await response.json() : [];
  for (const { name, token } of tokens) placeholders.set(name, token);
  return tokens.map(({ name }) => name);
}

function connectTokenField() {
  const field = document.getElementById('token');
  const take = () => {
    const token = field.value.trim();
    if (token) placeholders.set('token', token);
    sessionStorage.setItem('playground:token', token);
  };
  field.value = sessionStorage.getItem('playground:token') ?? '';
  take();
  field.addEventListener('input', take);
}

async function start() {
  connectTokenField();
  const names = await loadTokens();
  const ready = names.length > 0;
  if (ready) setInterval(() => loadTokens().catch(() => undefined), 10 * 60_000);
  const roles = ready ? { admin: 'admin', viewer: 'viewer' } : { admin: 'token', viewer: 'token' };
  const hint = document.getElementById('names');
  if (ready) {
    hint.append("Use in a tab's headers: ");
    for (const name of names) hint.append(Object.assign(document.createElement('code'), { textContent: `{{${name}}}` }), ' ');
  }
  document.getElementById('reset').addEventListener('click', () => {
    if (!window.confirm('Replace all tabs with the example tabs? Your changes will be lost.')) return;
    for (const key of Object.keys(localStorage)) if (key.startsWith('graphiql:')) localStorage.removeItem(key);
    location.reload();
  });
  const story = storyTabs(roles);
  const { React, ReactDOM, GraphiQL } = window;
  const properties = {
    fetcher: fetcher(roles.admin),
    defaultTabs: story,
    // GraphiQL opens the first tab with its query only. Tabs stored by an earlier visit are left unchanged.
    ...(localStorage.getItem('graphiql:tabState') ? {} : { variables: story[0].variables, headers: story[0].headers }),
    defaultHeaders: JSON.stringify({ Authorization: `Bearer {{${roles.admin}}}` }, null, 2),
    defaultEditorToolsVisibility: 'variables',
    shouldPersistHeaders: ready,
    schemaDescription: true,
    inputValueDeprecation: true,
  };
  ReactDOM.createRoot(document.getElementById('playground')).render(React.createElement(GraphiQL, properties));
}

start().catch((error) => {
  document.getElementById('playground').textContent = `The playground could not start: ${error.message}`;
});
