/** The arrows of the house: who may import whom. Settings, the clock, its limit of time and the censor may be imported by all but entities and the sandbox. */
const settings = '^src/(allowed-host|config|censor-secrets|clock|limits|environment|made-up-secret|within-time)\\.ts$';

/** A folder of src may import itself, what is listed and nothing else of ours. `typesOnly`: folders whose types it may name. */
function arrow(name, allowed, { typesOnly = [], exceptions = [], files = [], withSettings = true } = {}) {
  const own = [`^src/${name}/`, ...allowed.map((folder) => `^src/${folder}/`), ...(withSettings ? [settings] : []), ...files];
  const rules = [
    {
      name: `${name}-imports-only-${allowed.join('-and-') || 'itself'}`,
      severity: 'error',
      from: { path: `^src/${name}/` },
      to: {
        path: '^(src|test|bench|migrations|mikro-orm\\.config)',
        pathNot: [...own, ...typesOnly.map((folder) => `^src/${folder}/`)],
      },
    },
  ];
  if (typesOnly.length > 0) {
    rules.push({
      name: `${name}-names-only-types-of-${typesOnly.join('-and-')}`,
      severity: 'error',
      from: { path: `^src/${name}/`, pathNot: exceptions },
      to: { path: typesOnly.map((folder) => `^src/${folder}/`), dependencyTypesNot: ['type-only'] },
    });
  }
  return rules;
}

module.exports = {
  forbidden: [
    ...arrow('gateway', ['resolvers', 'services', 'stores']),
    ...arrow('resolvers', ['services'], { typesOnly: ['entities'] }),
    ...arrow('jobs', ['services'], { typesOnly: ['entities', 'stores'] }),
    ...arrow('services', ['entities', 'stores']),
    ...arrow('stores', ['entities'], { files: ['^mikro-orm\\.config\\.ts$'] }),
    ...arrow('entities', [], { withSettings: false }),
    ...arrow('sandbox', [], { withSettings: false, files: ['^src/allowed-host\\.ts$'] }),
    {
      name: 'production-never-loads-the-sandbox',
      comment: 'Only the composition root may start it, and only without a secret key of Stripe.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/sandbox/', '^src/main\\.ts$'] },
      to: { path: '^src/sandbox/' },
    },
    {
      name: 'only-stores-know-postgres-redis-mongo-and-stripe',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/stores/'] },
      to: { path: 'node_modules/(pg|ioredis|mongodb|@agendajs|stripe)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/entities/'] },
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
    // TypeScript 7 has no API for tools; swc reads the sources.
    parser: 'swc',
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default'] },
  },
};
