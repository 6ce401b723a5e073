import { globSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { configVariables } from '../../src/config.js';

const pages = [...globSync('*.md'), ...globSync('docs/*.md'), ...globSync('examples/*.md')];
const scripts = scriptsOf('package.json');

function scriptsOf(file: string): Record<string, string> {
  return (JSON.parse(readFileSync(file, 'utf8')) as { scripts: Record<string, string> }).scripts;
}

/** The scripts that a text runs by name. `npm test` and `npm start` are scripts too. */
function scriptsRunIn(text: string): Set<string> {
  const named = [...text.matchAll(/\bnpm (?:run(?: --?[\w=]+)* ([\w:-]+)|(test|start)\b)/g)];
  return new Set(named.map((match) => match[1] ?? match[2] ?? ''));
}

describe('the commands that the docs and CI name', () => {
  it.each(pages)('are scripts that are there: %s', (page) => {
    const known = new Set(Object.keys(scripts));
    if (page.startsWith('examples')) for (const name of Object.keys(scriptsOf('examples/package.json'))) known.add(name);
    expect([...scriptsRunIn(readFileSync(page, 'utf8'))].filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(pages)('work on files that are there: %s', (page) => {
    const text = readFileSync(page, 'utf8').replace(/\]\([^)]*\)/g, ']');
    const named = [...text.matchAll(/(?<![\w./-])(?:test|src|scripts|migrations|public|docs)\/[\w./-]*\w/g)].map(
      ([name]) => name,
    );
    const missing = [...new Set(named)].filter((name) => globSync([name, `${name}.*`]).length === 0);
    expect(missing).toEqual([]);
  });

  it('README, CONTRIBUTING and the docs name some', () => {
    const named = pages.flatMap((page) => [...scriptsRunIn(readFileSync(page, 'utf8'))]);
    expect(new Set(named).size).toBeGreaterThan(15);
  });

  it('the composition takes every setting from .env, and sets itself only what the product reads', () => {
    const composition = readFileSync('docker-compose.yml', 'utf8');
    expect(/^x-boxoffice: &boxoffice\n(?: .*\n)*? {2}env_file: \[\.env\]$/m.test(composition)).toBe(true);
    for (const service of ['migrate', 'gateway', 'worker'])
      expect(composition).toContain(`\n  ${service}:\n    <<: *boxoffice\n`);
    const own = /^x-composition: &composition\n((?: .*\n)+)/m.exec(composition)?.[1] ?? '';
    const names = [...own.matchAll(/^ {2}([A-Z_]+):/gm)].map((match) => match[1] ?? '');
    expect(names.length).toBeGreaterThan(5);
    expect(names.filter((name) => !configVariables().has(name))).toEqual([]);
  });

  it('npm run check does all that CI does, here and there', () => {
    const check = [...scriptsRunIn(scripts.check ?? '')].sort();
    expect(check).toEqual(['bench:check', 'checks', 'documented', 'smoke', 'takeover', 'test', 'workers']);
    expect([...scriptsRunIn(readFileSync('.ci/run', 'utf8'))].filter((name) => name !== 'start').sort()).toEqual(check);
    const workflow = readFileSync('.github/workflows/ci.yml', 'utf8');
    // There the workers' minute is part of the tests of jobs on both stores.
    expect(scripts.workers).toContain('JOBS_FULL_MINUTE=true');
    expect(workflow).toContain('JOBS_FULL_MINUTE: "true"');
    const steps = scriptsRunIn(workflow.replace(/^ *#.*$/gm, ''));
    expect([...steps, 'workers'].sort()).toEqual(check);
  });
});
