import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const entries = [
  'src/main.ts',
  'src/worker.ts',
  ...globSync('src/cli/*.ts').filter((file) => !/run-(command|check)\.ts$/.test(file)),
];
const { engines, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  engines: { node: string };
  devDependencies: { node: string };
};
const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  packages: Record<string, { dev?: boolean; engines?: { node?: string } }>;
};

/** Runs what was built by a Node that says that it has this version. */
function runWith(version: string, entry: string) {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const { NODE_OPTIONS: _, ...env } = process.env;
  const file = entry.replace(/^(.*)\.ts$/, 'dist/$1.js');
  const run = spawnSync(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, file], {
    env,
    encoding: 'utf8',
  });
  return { status: run.status, output: `${run.stdout}${run.stderr}` };
}

describe('a Node that is too old', () => {
  test.each(entries)('is refused by %s in one sentence, before anything else is done', (entry) => {
    expect(runWith('20.20.2', entry)).toEqual({
      status: 1,
      output:
        'Boxoffice needs Node 22.17.0 or newer; this is 20.20.2. ' +
        'Install a newer version, or use the npm scripts (npm start, npm run worker), which bring their own.\n',
    });
    // An import before it would be loaded first, and may need a newer Node itself.
    expect(readFileSync(entry, 'utf8')).toMatch(/^import '\.\.?\/runtime\/supported-node\.js';\n/);
  });

  test.each([
    ['22.16.9', true],
    ['22.17.0', false],
    ['100.0.0', false],
  ])('is not what %s is, by number and not by letters: %p', (version, refused) => {
    // Without arguments the command says how it is used, once it runs.
    const { output } = runWith(version, 'src/cli/token.ts');
    expect(output.includes('needs Node')).toBe(refused);
    expect(output.includes('Usage: npm run token')).toBe(!refused);
  });

  test('is what the package says, no older than any package wants that runs in production', () => {
    expect(engines.node).toBe('>=22.17.0');
    const wanted = Object.entries(lock.packages)
      .filter(([path, { dev }]) => path !== '' && !dev)
      .flatMap(([path, { engines: needs }]) => (needs?.node ? [{ path, node: needs.node }] : []));
    // The lower bounds of what each of them takes from Node 22 on.
    const newer = wanted.filter(({ node }) => {
      const bounds = [...node.matchAll(/(\d+)(?:\.(\d+))?/g)].map(
        ([, major, minor]) => [Number(major), Number(minor ?? 0)] as const,
      );
      return bounds.every(([major, minor]) => major > 22 || (major === 22 && minor > 17));
    });
    expect(newer).toEqual([]);
    expect(wanted.length).toBeGreaterThan(50);
  });

  test('is not what the image and the npm scripts use: they pin the same one', () => {
    const bases = [...readFileSync('Dockerfile', 'utf8').matchAll(/^FROM node:(\S+?)-slim/gm)].map((match) => match[1]);
    expect(bases).toEqual([devDependencies.node, devDependencies.node]);
    const workflow = readFileSync('.github/workflows/ci.yml', 'utf8');
    expect(new Set([...workflow.matchAll(/node-version: (\S+)/g)].map((match) => match[1]))).toEqual(
      new Set([devDependencies.node]),
    );
  });
});
