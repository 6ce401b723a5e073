/** The import rules of docs/architecture.md. Every folder except entities and runtime may import config and runtime. */
const shared = ['config', 'runtime'];

const inFolder = (folder) => `^src/${folder}/`;

/** A folder of src may import itself and what is listed, but nothing else of this repository. `types`: folders of which it may import types only; `except`: subfolders with rules of their own. */
function arrow(name, { may = [], types = [], files = [], except = [], mayShare = true }) {
  const allowed = [name, ...may, ...types, ...(mayShare ? shared : [])];
  const from = { path: inFolder(name), pathNot: except.map(inFolder) };
  const rules = [
    {
      name: `${name}-imports-only-${[...may, ...types].join('-and-') || 'itself'}`,
      severity: 'error',
      from,
      to: {
        path: '^(src|test|bench|scripts|packages|migrations|mikro-orm\\.config)',
        pathNot: [...allowed.map(inFolder), ...files],
      },
    },
  ];
  if (types.length > 0) {
    rules.push({
      name: `${name}-imports-only-types-of-${types.join('-and-')}`,
      severity: 'error',
      from,
      to: { path: types.map(inFolder), dependencyTypesNot: ['type-only'] },
    });
  }
  return rules;
}

/** Only `from` may import what is at `to`, apart from the files there. */
const onlyFor = (name, to, from, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: '^src/', pathNot: [to, ...from] },
  to: { path: to },
});

const main = '^src/main\\.ts$';
const worker = '^src/worker\\.ts$';
const app = '^src/app\\.ts$';

module.exports = {
  forbidden: [
    ...arrow('gateway', { may: ['resolvers', 'services', 'observability'], types: ['stores'] }),
    ...arrow('resolvers', { may: ['services'], types: ['entities'], except: ['resolvers/page-query'] }),
    // A viewer's page as one statement: the one place in resolvers that writes SQL.
    ...arrow('resolvers/page-query', { may: ['resolvers', 'services', 'stores', 'entities'] }),
    ...arrow('jobs', { may: ['services'] }),
    ...arrow('services', { may: ['stores', 'entities'] }),
    ...arrow('stores', { may: ['entities'], files: ['^mikro-orm\\.config\\.ts$'] }),
    ...arrow('entities', { mayShare: false }),
    ...arrow('observability', { types: ['stores'] }),
    ...arrow('demo', { may: ['services'], types: ['stores'] }),
    ...arrow('cli', { may: ['demo', 'gateway', 'services', 'stores'], files: [app] }),
    // Config may import only runtime, and runtime nothing.
    ...arrow('config', {}),
    ...arrow('runtime', { mayShare: false }),
    onlyFor(
      'only-main-loads-the-sandbox',
      '^packages/stripe-sandbox/',
      [main],
      'And main does so only without a Stripe secret key.',
    ),
    {
      name: 'packages-know-nothing-of-ours',
      severity: 'error',
      from: { path: '^packages/' },
      to: { path: '^(src|test|bench|scripts|migrations|mikro-orm\\.config)' },
    },
    onlyFor('only-processes-open-the-app', app, [main, worker, '^src/cli/']),
    {
      name: 'the-app-takes-only-the-engine-from-the-edge',
      comment: 'A worker runs documents as the gateway does, without HTTP.',
      severity: 'error',
      from: { path: app },
      to: { path: '^src/(gateway|resolvers)/', pathNot: ['^src/gateway/graphql/engine\\.ts$'] },
    },
    onlyFor('only-processes-load-the-demo', '^src/demo/', [main, worker, '^src/cli/']),
    onlyFor('nothing-imports-a-process', '^src/((main|worker)\\.ts$|cli/)', []),
    {
      name: 'processes-leave-the-rest-to-the-app',
      severity: 'error',
      from: { path: [main, worker] },
      to: { path: '^src/(cli|entities|jobs|resolvers|services)/' },
    },
    {
      name: 'only-the-edge-knows-graphql-and-http',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(gateway|observability|resolvers)/', worker] },
      to: { path: 'node_modules/(graphql|graphql-ws|type-graphql|fastify|ws|@apollo|@fastify|@graphql-tools)/' },
    },
    {
      name: 'only-stores-know-postgres-redis-mongo-and-stripe',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/stores/'] },
      to: { path: 'node_modules/(pg|ioredis|mongodb|@agendajs|stripe)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-stores-and-entities-run-mikro-orm',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(stores|entities)/'] },
      to: { path: 'node_modules/@mikro-orm/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'only-the-ledger-writes-movements',
      comment:
        'Everyone else changes money in `ledger.change` or `ledger.once`, and knows only the types of what they hand over.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/services/ledger/(ledger|unit|purchase-from-balance|expire-grants)\\.ts$'] },
      to: {
        path: '^src/services/ledger/(joined-transaction|unit|statements|purchase-from-balance|expire-grants)\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { path: '^(src|packages)/', pathNot: ['^src/entities/'] },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'no-unresolvable-imports', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench|scripts)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^packages/[^/]+/dist/' },
    // TypeScript 7 has no API for tools; swc reads the sources.
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
