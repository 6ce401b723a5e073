import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { buildSchema, Kind, parse, validate } from 'graphql';
import { limitVariable } from '../../src/config/limits.js';
import { observeCalls, watchPool } from '../../src/observability/call-metrics.js';
import { watchJobs } from '../../src/observability/job-metrics.js';
import { createMetrics, watchServices } from '../../src/observability/metrics.js';
import { defaultLimits } from '../support/catalogue-scene.js';

const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));
const pages = [
  ...globSync('*.md'),
  ...globSync('docs/**/*.md'),
  ...globSync('examples/*.md'),
  ...globSync('{src,packages}/**/README.md', { exclude: (file) => file.includes('node_modules') }),
];

/** A script of a page or of the docs, which have no types of their own. */
async function load(file: string): Promise<Record<string, unknown>> {
  return import(path.resolve(file));
}

function faultsOf(operation: string): string[] {
  return validate(schema, parse(operation)).map(({ message }) => message);
}

function graphqlBlocks(page: string): string[] {
  return [...readFileSync(page, 'utf8').matchAll(/^```graphql\n(.*?)^```/gms)].map((match) => match[1] ?? '');
}

/** What a link within a page may name: its headings, as GitHub makes anchors of them. */
function anchorsOf(page: string): Set<string> {
  const headings = [...readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '');
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

function dashboardQueries(): string[] {
  const { panels } = JSON.parse(readFileSync('docs/grafana-dashboard.json', 'utf8')) as {
    panels: { targets: { expr: string }[] }[];
  };
  return panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
}

/** The names in the table of jobs. */
function jobNames(): string[] {
  return [...readFileSync('src/jobs/jobs.ts', 'utf8').matchAll(/^ {6}name: '([\w-]+)',$/gm)].map((match) => match[1] ?? '');
}

/** Each is on one line. */
function alertQueries(): string[] {
  return [...readFileSync('docs/alerts.yml', 'utf8').matchAll(/^ +expr: (.+)$/gm)].map((match) => match[1] ?? '');
}

function metricsOf(query: string): string[] {
  return [...query.matchAll(/(boxoffice_[a-z_]+?)(?:_bucket|_sum|_count)?\b/g)].map((match) => match[1] ?? '');
}

/** `64 KiB` and the like, as the number that a limit's variable takes. */
function inLimitUnits(documented: string): number {
  const [, amount = '', unit = ''] = /^([\d,]+) ?(s|KiB|MiB|days)?$/.exec(documented) ?? [];
  const factors: Record<string, number> = { '': 1, s: 1_000, days: 86_400_000, KiB: 1_024, MiB: 1_048_576 };
  return Number(amount.replaceAll(',', '') || Number.NaN) * (factors[unit] ?? Number.NaN);
}

describe('what the docs and pages say', () => {
  it("live.md states the limits' actual defaults", () => {
    const defaults = new Map(Object.entries(defaultLimits).map(([name, value]) => [limitVariable(name), value]));
    // In the table, and in sentences: `LIVE_SWEEP_INTERVAL_MS` (1 s).
    const documented = [...readFileSync('docs/live.md', 'utf8').matchAll(/`([A-Z_]{3,})` +(?:\| |\()(\d[\w, ]*?) *[|)]/g)];
    expect(documented.length).toBeGreaterThan(10);
    for (const [, name = '', text = ''] of documented) expect([name, inLimitUnits(text)]).toEqual([name, defaults.get(name)]);
  });

  it('operations.md names every resource of Stripe that the code calls, for the restricted key', () => {
    const table = readFileSync('docs/operations.md', 'utf8').split('### The restricted key')[1]?.split('###')[0] ?? '';
    const named = [...table.matchAll(/\| `([a-zA-Z.]+)`:/g)].map((match) => match[1]);
    const calls = /stripe\.((?:[a-z]\w+\.)+)(?:create|retrieve|list|update|expire)\(/g;
    const sources = [...globSync('src/services/**/*.ts'), ...globSync('src/stores/*.ts')].map((file) =>
      readFileSync(file, 'utf8'),
    );
    const called = sources.flatMap((text) => [...text.matchAll(calls)].map((match) => match[1]?.slice(0, -1)));
    expect([...new Set(called)].sort()).toEqual([...named].sort());
  });

  it.each(pages)('%s shows only operations that the contract takes', (page) => {
    const blocks = graphqlBlocks(page);
    for (const block of blocks) expect([block, faultsOf(block)]).toEqual([block, []]);
    if (page === path.join('docs', 'api.md')) expect(blocks.length).toBeGreaterThan(10);
  });

  it('api.md shows every root field of the contract', () => {
    const shown = graphqlBlocks(path.join('docs', 'api.md')).flatMap((block) =>
      parse(block).definitions.flatMap((definition) =>
        definition.kind === Kind.OPERATION_DEFINITION ? definition.selectionSet.selections : [],
      ),
    );
    const names = new Set(shown.map((selection) => (selection.kind === Kind.FIELD ? selection.name.value : '')));
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    const fields = roots.flatMap((root) => Object.keys(root?.getFields() ?? {}));
    expect(fields.length).toBeGreaterThan(30);
    expect(fields.filter((field) => !names.has(field))).toEqual([]);
  });

  it.each(pages)('%s links to headings that are there', (page) => {
    const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([\w./-]*\.md)?#([^)\s]+)\)/g)];
    const missing = links.filter(
      ([, file, anchor]) => !anchorsOf(file ? path.join(path.dirname(page), file) : page).has(anchor ?? ''),
    );
    expect(missing.map(([link]) => link)).toEqual([]);
  });

  it.each(pages)('%s links to files that are there', (page) => {
    const links = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map((match) => match[1] ?? '');
    expect(links.filter((link) => !existsSync(path.join(path.dirname(page), link)))).toEqual([]);
  });

  it('every picture is shown or linked on a page', () => {
    const texts = pages.map((page) => readFileSync(page, 'utf8')).join('');
    const pictures = globSync('docs/images/*');
    expect(pictures.length).toBeGreaterThan(0);
    expect(pictures.filter((picture) => !texts.includes(`images/${path.basename(picture)}`))).toEqual([]);
  });

  it('the demo page asks only what the contract takes', async () => {
    const operations = Object.entries(await load('public/demo/operations.js'));
    expect(operations.length).toBeGreaterThan(10);
    for (const [name, operation] of operations) expect([name, faultsOf(String(operation))]).toEqual([name, []]);
  });

  it("the playground's ready tabs ask only what the contract takes, and use placeholders that earlier tabs fill", async () => {
    const { storyTabs } = (await load('public/playground/story.js')) as {
      storyTabs(roles: { admin: string; viewer: string }): { query: string; variables?: string; headers: string }[];
    };
    const tabs = storyTabs({ admin: 'admin', viewer: 'viewer' });
    for (const { query } of tabs) expect([query, faultsOf(query)]).toEqual([query, []]);
    const known = new Set(['new', 'filmIds', 'subscriptionId', 'orderId', 'grantId']);
    const used = tabs.flatMap(({ variables = '' }) => [...variables.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? ''));
    expect(used.filter((name) => !known.has(name))).toEqual([]);
    for (const { headers } of tabs) expect(JSON.parse(headers).Authorization).toMatch(/^Bearer \{\{(admin|viewer)\}\}$/);
  });

  it('the examples ask only what the contract takes', () => {
    const text = readFileSync('examples/operations.ts', 'utf8');
    const operations = [...text.matchAll(/graphql\(`(.*?)`\)/gs)].map((match) => match[1] ?? '');
    expect(operations.length).toBe(3);
    for (const operation of operations) expect([operation, faultsOf(operation)]).toEqual([operation, []]);
  });

  it('the README names the two commands, each on a line', () => {
    const lines = readFileSync('README.md', 'utf8').split('\n');
    expect(lines).toContain('npm ci && npm start');
    expect(lines).toContain('npm ci && npm test');
  });

  it('every event type that the product knows is listed for the webhook endpoint', async () => {
    const { EVENT_TYPES } = await import('../../src/services/stripe-events/accept-event.js');
    const operations = readFileSync('docs/operations.md', 'utf8');
    expect(
      EVENT_TYPES.filter((type) => !new RegExp(`(^|\\s)${type.replaceAll('.', '\\.')}(\\s|$)`, 'm').test(operations)),
    ).toEqual([]);
  });

  it('every metric has its line in the operations page, and the dashboard and the alerts ask for no other', () => {
    const source = globSync('src/**/*.ts')
      .map((file) => readFileSync(file, 'utf8'))
      .join('');
    const metrics = new Set([...source.matchAll(/'(boxoffice_[a-z_]+)'/g)].map((match) => match[1] ?? ''));
    const operations = readFileSync('docs/operations.md', 'utf8');
    expect(metrics.size).toBeGreaterThan(5);
    expect([...metrics].filter((name) => !operations.includes(`\`${name}\``))).toEqual([]);
    const unknown = [...dashboardQueries(), ...alertQueries()].flatMap((query) =>
      metricsOf(query).filter((name) => !metrics.has(name)),
    );
    expect(unknown).toEqual([]);
    const shown = new Set(dashboardQueries().flatMap(metricsOf));
    expect([...metrics].filter((name) => !shown.has(name))).toEqual([]);
  });

  it('the page explains every metric that an alert uses, and what to do', () => {
    const signs = readFileSync('docs/operations.md', 'utf8').split('## Alerts')[1] ?? '';
    const named = alertQueries().flatMap((query) => [...metricsOf(query), ...(/\bup\{/.test(query) ? ['up'] : [])]);
    expect(new Set(named).size).toBeGreaterThan(5);
    expect(named.filter((name) => !signs.includes(`\`${name}\``))).toEqual([]);
  });

  it('the alerts name only jobs that there are', () => {
    const names = jobNames();
    const named = alertQueries().flatMap((query) => /name[=!]~"(.*?)"/.exec(query)?.[1]?.split('|') ?? []);
    expect(named.length).toBeGreaterThan(5);
    expect(named.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('the dashboard and the alerts ask only for labels that the metric has', () => {
    const metrics = createMetrics();
    observeCalls(metrics, null);
    watchPool(metrics, { statistics: () => ({ open: 0, idle: 0, waiting: 0 }) });
    watchJobs(metrics, { list: async () => [] });
    watchServices(metrics);
    const known = metrics.registry.getMetricsAsArray() as unknown as { name: string; labelNames: string[] }[];
    const labels = new Map(known.map(({ name, labelNames }) => [name, labelNames]));
    const all = [...dashboardQueries(), ...alertQueries()];
    const queries = all.filter((query) => /by \(/.test(query) && metricsOf(query).length > 0);
    expect(queries.length).toBeGreaterThan(12);
    for (const query of queries) {
      const by = /by \((.*?)\)/.exec(query)?.[1]?.split(', ') ?? [];
      const matched = [...query.matchAll(/(\w+)(?:=|!=|=~|!~)"/g)].map((match) => match[1] ?? '');
      const own = labels.get(metricsOf(query)[0] ?? '') ?? [];
      expect([query, [...by, ...matched].filter((label) => label !== 'le' && !own.includes(label))]).toEqual([query, []]);
    }
  });

  it('every job has its line in the operations page', () => {
    const operations = readFileSync('docs/operations.md', 'utf8');
    const names = jobNames();
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !operations.includes(`\`${name}\``))).toEqual([]);
  });
});
